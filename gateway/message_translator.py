"""Checks and translates messages about transactions without a station: those that an operator mends in quarantine."""

from collections.abc import Iterable

import grpc
import msgspec
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem

from gateway.ocpp.schemas import SchemaFault, Schemas
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import Inbound, IngestRpc, UnacceptableError
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

Item = TransactionEventItem | MeterValuesItem


class MessageTranslator:
    """Translates as the sessions of stations do: the same schemas, the same quirks, the same translators."""

    def __init__(self, versions: Iterable[ServedVersion]) -> None:
        self._versions = {version.routes.label: version for version in versions}

    def translate(self, label: str, action: str, payload: str, origin: Origin) -> Item:
        """A message of the OCPP version `label`, its payload as JSON, as the item that transaction_svc records.

        Raises MeshError SCHEMA_VIOLATION, VALUE_OUT_OF_RANGE or UNSUPPORTED_ACTION.
        """
        route, schemas = self._find(label, action)
        try:
            decoded = msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _refused(Reason.SCHEMA_VIOLATION, "FormationViolation", "The payload is not JSON.") from error
        accepted = schemas.accept(action, decoded, source=payload.encode())
        if isinstance(accepted, SchemaFault):
            raise _refused(Reason.SCHEMA_VIOLATION, accepted.code, accepted.message)
        assert route.to_items is not None  # noqa: S101 - messages about transactions are never answered by the gateway
        try:
            items = route.to_items(accepted.payload, origin)
        except UnacceptableError as error:
            raise _refused(Reason.VALUE_OUT_OF_RANGE, error.code, f"{error.field}: {error}") from error
        item = items.get(IngestRpc.TRANSACTION_EVENTS) or items[IngestRpc.METER_VALUES]
        assert isinstance(item, Item)  # noqa: S101 - these RPCs have no other items
        return item

    def _find(self, label: str, action: str) -> tuple[Inbound, Schemas]:
        version = self._versions.get(label)
        route = version.routes.inbound.get(action) if version is not None else None
        if version is None or route is None or not route.durable:
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                Reason.UNSUPPORTED_ACTION,
                f"{action} of OCPP {label} is not a message about transactions that this central system translates",
            )
        return route, version.schemas


def _refused(reason: Reason, code: str, message: str) -> MeshError:
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, reason, message, {"ocpp_error_code": code, "field": "payload"})
