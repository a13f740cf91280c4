"""Calls of a gateway: translation of the payload of a quarantined message. Any gateway can do it."""

from typing import TYPE_CHECKING, Protocol

import grpc
from csms.gateway.v1.gateway_service_pb2 import TranslateMessageRequest
from csms.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import from_rpc_error, unavailable
from mesh.runtime.logs import get_logger

if TYPE_CHECKING:  # a name that only the generated types have
    from csms.gateway.v1.gateway_service_pb2_grpc import GatewayServiceAsyncStub

log = get_logger(__name__)

AnyItem = TransactionEventItem | MeterValuesItem

TIMEOUT_S = 5.0
# Errors about the payload. All others are about the gateway or the connection to it.
_PAYLOAD_ERRORS = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION})


class Translator(Protocol):
    """Translates payloads of OCPP."""

    async def translate(self, item: TransactionEventItem, payload: str) -> AnyItem:
        """Translates `payload` (JSON), which replaces that of `item.raw`, by its OCPP version and action.

        Raises MeshError: the gateway's own INVALID_ARGUMENT or FAILED_PRECONDITION about the payload, or UNAVAILABLE.
        """


class GatewayClient:
    """A Translator that calls the gateway at the other end of `channel`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._gateway: GatewayServiceAsyncStub = GatewayServiceStub(channel)

    async def translate(self, item: TransactionEventItem, payload: str) -> AnyItem:
        """See Translator. Raises MeshError GATEWAY_UNAVAILABLE where the gateway does not answer in time."""
        request = TranslateMessageRequest(
            ocpp_version=item.raw.ocpp_version, action=item.raw.action, payload=payload, origin=item.origin
        )
        try:
            response = await self._gateway.TranslateMessage(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            failure = from_rpc_error(error)
            if failure.code in _PAYLOAD_ERRORS:
                raise failure from error
            log.warning("gateway unavailable", error=failure.message, code=failure.code.name)
            raise unavailable(
                Reason.GATEWAY_UNAVAILABLE,
                "no gateway is available to translate the payload; nothing was changed, try again",
            ) from error
        return response.meter_values if response.HasField("meter_values") else response.transaction_event
