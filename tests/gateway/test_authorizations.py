"""The status of an id token, by the answers of the services."""

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.common.v1.id_token_pb2 import (
    AUTHORIZATION_STATUS_ACCEPTED,
    AUTHORIZATION_STATUS_BLOCKED,
    AUTHORIZATION_STATUS_CONCURRENT_TX,
    AUTHORIZATION_STATUS_UNSPECIFIED,
    IdToken,
    IdTokenInfo,
)
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventResult

from gateway.ocpp.authorizations import judge, refusal
from gateway.ocpp.translation import IngestRpc, Results

ACCEPTED, BLOCKED = AUTHORIZATION_STATUS_ACCEPTED, AUTHORIZATION_STATUS_BLOCKED
CONCURRENT = AUTHORIZATION_STATUS_CONCURRENT_TX
GROUP = IdToken(id_token="G")


def _results(recorded: TransactionEventResult, said: AuthorizeResult | None) -> Results:
    events = {IngestRpc.TRANSACTION_EVENTS: recorded}
    return events if said is None else events | {IngestRpc.AUTHORIZE: said}


def _said(status: int = ACCEPTED, *, most: int = 0) -> AuthorizeResult:
    info = IdTokenInfo(status=status, group_id_token=GROUP)  # type: ignore[arg-type]  # any number
    return AuthorizeResult(id_token_info=info, max_concurrent_transactions=most)


@pytest.mark.parametrize(("most", "held", "status"), [(0, 500, ACCEPTED), (1, 0, ACCEPTED), (2, 1, ACCEPTED)])
def test_as_many_transactions_as_it_may_hold(most: int, held: int, status: int) -> None:
    """None too many; 0 is any number."""
    assert judge(_results(TransactionEventResult(concurrent_count=held), _said(most=most))).status == status


@pytest.mark.parametrize(("most", "held"), [(1, 1), (2, 2), (2, 3)])
def test_one_transaction_too_many(most: int, held: int) -> None:
    """ConcurrentTx, with all else that auth_svc said."""
    results = _results(TransactionEventResult(concurrent_count=held), _said(most=most))
    assert judge(results) == IdTokenInfo(status=CONCURRENT, group_id_token=GROUP)
    assert judge(results, limited=False) == IdTokenInfo(status=ACCEPTED, group_id_token=GROUP)


def test_a_token_that_begins_to_hold_nothing_has_no_limit() -> None:
    """The driver shows the token of the transaction once more."""
    assert judge(_results(TransactionEventResult(event_key="0.ab"), _said(most=1))).status == ACCEPTED


def test_a_repeated_event_gets_its_refusal_again() -> None:
    """The token's present status does not matter, and the event is not recorded again."""
    recorded = TransactionEventResult(authorization_status=CONCURRENT, repeated=True)
    for said in (_said(), _said(BLOCKED), None):
        results = _results(recorded, said)
        assert judge(results).status == CONCURRENT
        assert refusal(Origin(), results, judge(results)) == {}


def test_a_status_that_is_not_known_is_recorded_as_the_station_is_told_it() -> None:
    """Invalid."""
    results = _results(TransactionEventResult(event_key="0.ab"), _said(AUTHORIZATION_STATUS_UNSPECIFIED))
    [item] = refusal(Origin(), results, judge(results)).values()
    assert "AUTHORIZATION_STATUS_INVALID" in str(item)


@pytest.mark.parametrize(("most", "status"), [(0, ACCEPTED), (1, CONCURRENT), (2, ACCEPTED)])
def test_services_of_the_release_before(most: int, status: int) -> None:
    """transaction_svc says only whether there is another transaction; auth_svc knows no limit."""
    recorded = TransactionEventResult(concurrent=True)
    assert judge(_results(recorded, _said(most=most))).status == status
    assert refusal(Origin(), _results(recorded, None), IdTokenInfo(status=BLOCKED)) == {}
