"""The rows of notification_svc that may name a driver, and what their erasure makes of them. Pure."""

from base64 import b64decode, b64encode

from csms.condition.v1.condition_pb2 import CONDITION_KIND_ID_TOKEN_UNKNOWN
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from mesh.conditions.names import ConditionName
from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row
from mesh.driver_tables import REMOVE, Decision, DriverTable
from notification_svc import models


def _event(row: Row, driver: Driver) -> Decision:
    """An event stays in its place of the stream, with the pseudonym."""
    data = Struct.FromString(b64decode(row["data"]))
    values = MessageToDict(data)
    replaced = driver.replaced(values)
    if replaced == values:
        return None
    changed = Struct()
    changed.update(replaced)
    return {"data": b64encode(changed.SerializeToString(deterministic=True)).decode()}


def _acknowledgement(row: Row, driver: Driver) -> Decision:
    """One that is about an id token, or whose comment names one, is removed: the condition is there again."""
    name = ConditionName.decode(row["condition_id"])
    is_about = name is not None and name.kind == CONDITION_KIND_ID_TOKEN_UNKNOWN and driver.is_token(name.first)
    return REMOVE if is_about or driver.mentions(row["comment"]) else None


TABLES = (
    DriverTable(table=models.event, decide=_event, order=("cursor",)),
    DriverTable(table=models.condition_acknowledgement, decide=_acknowledgement),
)
