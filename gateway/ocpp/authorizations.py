"""Decisions about id tokens: the status of auth_svc, the counts of transaction_svc. Pure, for every OCPP version."""

from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.common.v1.id_token_pb2 import (
    AUTHORIZATION_STATUS_ACCEPTED,
    AUTHORIZATION_STATUS_CONCURRENT_TX,
    AUTHORIZATION_STATUS_INVALID,
    AuthorizationStatus,
    IdTokenInfo,
)
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    AuthorizationItem,
    CountOpenTransactionsItem,
    CountOpenTransactionsResult,
    TransactionEventResult,
)

from gateway.ocpp.results import authorization, result_of
from gateway.ocpp.translation import IngestRpc, Items, Results

_ACCEPTED = AUTHORIZATION_STATUS_ACCEPTED


# Tokens of transactions


def judge(results: Results, *, limited: bool = True) -> IdTokenInfo:
    """Decides about the id token of an event.

    While auth_svc is unavailable the token counts as accepted: the station let the driver in by itself. A repeated
    event gets the refusal of the first time. `limited`: a token that holds as many other transactions as it may is
    refused.
    """
    recorded = result_of(results, IngestRpc.TRANSACTION_EVENTS, TransactionEventResult)
    info, status = authorization(results), recorded.authorization_status
    if status:
        return _with_status(info, status)
    if info is None:
        return IdTokenInfo(status=_ACCEPTED)
    if limited and (limit := _limit(results)) and info.status == _ACCEPTED and _is_reached(limit, recorded):
        return _with_status(info, AUTHORIZATION_STATUS_CONCURRENT_TX)
    return info


def refusal(origin: Origin, results: Results, info: IdTokenInfo) -> Items:
    """Tells transaction_svc of a token that was refused; nothing where it was accepted, or where that is known."""
    if info.status == _ACCEPTED:
        return {}
    recorded = result_of(results, IngestRpc.TRANSACTION_EVENTS, TransactionEventResult)
    if not recorded.event_key:
        return {}
    status = info.status or AUTHORIZATION_STATUS_INVALID  # stations get this for a status that is not known
    return {IngestRpc.AUTHORIZATIONS: AuthorizationItem(origin=origin, event_key=recorded.event_key, status=status)}


def _is_reached(limit: int, recorded: TransactionEventResult) -> bool:
    if recorded.HasField("concurrent_count"):
        return recorded.concurrent_count >= limit
    # A transaction_svc of the release before reports only whether there is another one.
    return recorded.concurrent and not recorded.event_key and limit == 1


# Authorize


def question_about_open_transactions(origin: Origin, results: Results) -> CountOpenTransactionsItem | None:
    """The item that counts the open transactions of an accepted token, where auth_svc limits Authorize by them.

    The caller adds the token.
    """
    result = results.get(IngestRpc.AUTHORIZE)
    if not isinstance(result, AuthorizeResult) or not result.limit_authorize or not result.max_concurrent_transactions:
        return None
    if result.HasField("error") or result.id_token_info.status != _ACCEPTED:
        return None
    return CountOpenTransactionsItem(origin=origin)


def authorize(results: Results) -> IdTokenInfo:
    """Decides what Authorize answers about a token.

    ConcurrentTx never to a station that has one of the token's transactions: the driver stops with it there. While
    transaction_svc is unavailable the token is accepted, and its start is judged when it comes.
    """
    info = authorization(results)
    if info is None:
        return IdTokenInfo(status=AUTHORIZATION_STATUS_INVALID)
    held = results.get(IngestRpc.OPEN_TRANSACTIONS)
    if (
        isinstance(held, CountOpenTransactionsResult)
        and not held.HasField("error")
        and not held.held_by_station
        and held.count >= _limit(results)
    ):
        return _with_status(info, AUTHORIZATION_STATUS_CONCURRENT_TX)
    return info


def _limit(results: Results) -> int:
    result = results.get(IngestRpc.AUTHORIZE)
    return result.max_concurrent_transactions if isinstance(result, AuthorizeResult) else 0


def _with_status(info: IdTokenInfo | None, status: AuthorizationStatus.ValueType) -> IdTokenInfo:
    changed = IdTokenInfo()
    if info is not None:
        changed.CopyFrom(info)
    changed.status = status
    return changed
