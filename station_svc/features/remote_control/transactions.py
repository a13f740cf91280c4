"""Look-ups of transactions in transaction_svc, before a station is sent a stop."""

import grpc
from csms.transaction.v1.transaction_ingest_service_pb2 import FindTransactionRequest
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import TransactionIngestServiceStub

from mesh.identity.callers import current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

# One look-up by an index; the caller wants to stop a transaction, and must not wait for long.
TIMEOUT_S = 1.0


class TransactionLookup:
    """Looks transactions up; with `channel` None there is no transaction_svc, and every one passes."""

    def __init__(self, *, channel: grpc.aio.Channel | None, timeout_s: float = TIMEOUT_S) -> None:
        self._stub = None if channel is None else TransactionIngestServiceStub(channel)
        self._timeout_s = timeout_s

    async def expect(self, *, station_id: str, transaction_id: str) -> None:
        """Raises MeshError TRANSACTION_NOT_FOUND where the station has no such transaction, open or ended.

        Where that cannot be known the command is sent: the station itself knows, and a transaction must be stoppable.
        """
        if self._stub is None:
            return
        question = FindTransactionRequest(
            tenant_id=current_caller().tenant_id, station_id=station_id, transaction_id=transaction_id
        )
        try:
            answer = await self._stub.FindTransaction(question, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            log.warning("transaction not looked up", station_id=station_id, code=error.code().name)
            return
        if not answer.found:
            raise MeshError(
                grpc.StatusCode.NOT_FOUND,
                Reason.TRANSACTION_NOT_FOUND,
                f"transaction_id: no transaction {transaction_id!r} of station {station_id} is known: nothing was "
                "sent; send_unknown sends it all the same",
                {"field": "transaction_id"},
            )
