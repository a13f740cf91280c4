"""Results of the ingest RPCs, and the answers made of them that are the same in every OCPP version."""

from typing import TypeVar

from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.common.v1.id_token_pb2 import IdTokenInfo
from csms.station.v1.station_ingest_service_pb2 import BootResult, TransferDataResult
from google.protobuf.message import Message

from gateway.ocpp.enums import DATA_TRANSFER_STATUSES, REGISTRATION_STATUSES, words
from gateway.ocpp.translation import IngestRpc, Payload, Results
from gateway.ocpp.values import format_us

M = TypeVar("M", bound=Message)

_REGISTRATION_WORDS = words(REGISTRATION_STATUSES)
_TRANSFER_WORDS = words(DATA_TRANSFER_STATUSES)


def result_of(results: Results, rpc: IngestRpc, kind: type[M]) -> M:
    """The result of an RPC that the route does not name as optional."""
    result = results[rpc]
    if not isinstance(result, kind):
        raise TypeError(f"{rpc} returned {type(result).__name__}, not {kind.__name__}")
    return result


def authorization(results: Results) -> IdTokenInfo | None:
    """The status of the id token by auth_svc; None where it was not called, was unavailable, or returned an error."""
    result: Message | None = results.get(IngestRpc.AUTHORIZE)
    if not isinstance(result, AuthorizeResult) or result.HasField("error"):
        return None
    return result.id_token_info


def boot_response(_payload: Payload, results: Results, now_us: int) -> Payload:
    """BootNotification: whether the station may work; a status that is not known counts as Rejected."""
    result = result_of(results, IngestRpc.BOOTS, BootResult)
    return {
        "status": _REGISTRATION_WORDS.get(result.registration_status, "Rejected"),
        "currentTime": format_us(now_us),
        "interval": result.interval_s,
    }


def transfer_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """DataTransfer: what became of it; a status that is not known counts as Rejected."""
    result = result_of(results, IngestRpc.DATA_TRANSFERS, TransferDataResult)
    return {"status": _TRANSFER_WORDS.get(result.status, "Rejected")}


def nothing(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """The answer to a message that is only acknowledged."""
    return {}
