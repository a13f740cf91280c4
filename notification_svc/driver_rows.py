"""The rows of notification_svc that may name a driver, and what their erasure makes of them. Pure."""

from base64 import b64decode, b64encode

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row
from mesh.driver_tables import Decision, DriverTable
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


TABLES = (DriverTable(table=models.event, decide=_event, order=("cursor",)),)
