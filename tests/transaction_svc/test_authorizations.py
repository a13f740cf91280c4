"""Refused id tokens hold no transaction; the first accepted token holds it."""

import asyncio
import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from csms.common.v1 import id_token_pb2
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdToken
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    CountOpenTransactionsItem,
    CountOpenTransactionsRequest,
    CountOpenTransactionsResult,
    RecordAuthorizationsRequest,
)
from csms.transaction.v1.transaction_service_pb2 import TRANSACTION_STATE_ACTIVE as ACTIVE
from csms.transaction.v1.transaction_service_pb2 import TRANSACTION_STATE_ENDED as ENDED
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection

from mesh.runtime.errors import from_status
from tests.transaction_svc.kit import CONTEXT, Service, at, booted, event_2x, start_16, stop_16, values_16
from transaction_svc import authorizations, token_store

NONE = id_token_pb2.AUTHORIZATION_STATUS_UNSPECIFIED
BLOCKED = id_token_pb2.AUTHORIZATION_STATUS_BLOCKED
CONCURRENT = id_token_pb2.AUTHORIZATION_STATUS_CONCURRENT_TX


def identified(text: str, seq_no: int, seconds: float) -> TransactionEvent:
    """A token is presented."""
    token = IdToken(id_token=text, type="ISO14443")
    return event_2x("a", "UPDATED", seq_no, seconds, id_token=token, trigger_reason=tx.TRIGGER_REASON_AUTHORIZED)


def cable_first(**more: Any) -> TransactionEvent:
    """A start without a token."""
    event = event_2x("a", "STARTED", 0, 0, 1000, **more)
    if "id_token" not in more:
        event.ClearField("id_token")
    return event


async def test_a_refused_start_holds_no_tag(service: Service) -> None:
    """A holds a transaction, B is refused, A stops: then C may begin one with the tag."""
    a = await service.one(start_16(0), station="A")
    assert (a.concurrent_count, a.concurrent) == (0, False)
    b = await service.one(start_16(10), station="B")
    assert (b.concurrent_count, b.concurrent) == (1, True)
    await service.refuse(b, CONCURRENT, station="B")
    await service.one(stop_16(a.transaction_id, 20, 1500), station="A")
    c = await service.one(start_16(30), station="C")
    assert (c.concurrent_count, c.concurrent) == (0, False)
    d = await service.one(start_16(40), station="D")
    assert d.concurrent_count == 1
    e = await service.one(start_16(50), station="E")
    assert e.concurrent_count == 2  # D was not refused: the token may hold several


async def test_of_starts_at_once_each_counts_those_before_it(service: Service) -> None:
    """In concurrent batches, and within one batch in the order of their begins."""
    for n in range(5):
        starts = [start_16(0, id_tag=f"TAG{n}") for _ in range(4)]
        batches = await asyncio.gather(
            *(service.send(event, station=f"{n}-{index}") for index, event in enumerate(starts))
        )
        assert sorted(result.concurrent_count for (result,) in batches) == [0, 1, 2, 3]
    items = [service.item(start_16(second), station=f"S{second}") for second in (7, 5, 6)]
    assert [result.concurrent_count for result in await service.send_items(items)] == [2, 0, 1]


async def test_nothing_is_counted_beyond_the_most_that_a_limit_can_be(service: Service) -> None:
    """Within a batch and over several: a tag that a whole network shares costs no more than the bound."""
    items = [service.item(start_16(second), station=f"S{second}") for second in range(token_store.MOST + 3)]
    results = await service.send_items(items)
    assert [result.concurrent_count for result in results] == [*range(token_store.MOST + 1), *[token_store.MOST] * 2]
    assert (await service.one(start_16(500), station="LAST")).concurrent_count == token_store.MOST


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_session_is_the_accepted_tokens(service: Service, order: tuple[int, ...]) -> None:
    """The cable comes first, then a blocked token and a good one; the events come in any order."""
    events = [identified("BAD", 1, 10), identified("GOOD", 2, 20), event_2x("a", "ENDED", 3, 100, 6000)]
    start = await service.one(cable_first())
    assert (start.event_key, start.HasField("concurrent_count")) == ("", False)
    for index in order:
        result = await service.one(events[index])
        if events[index].id_token.id_token == "BAD":
            await service.refuse(result)
    found = await service.get("a")
    assert (found.id_token.id_token, found.energy_wh, list(found.flags)) == ("GOOD", 5000, [])
    assert found.authorization_status == NONE
    assert [tx.transaction_id for tx in await service.all(filter="id_token = good")] == ["a"]
    assert await service.all(filter="id_token = bad") == []
    published = [(event.event.id_token.id_token, event.authorization_status) for event in await service.events("a")]
    assert published == [("", NONE), ("BAD", BLOCKED), ("GOOD", NONE), ("", NONE)]
    assert (await service.published("transaction.ended"))[-1][1]["idToken"]["idToken"] == "GOOD"


async def test_a_start_that_brings_the_refused_token(service: Service) -> None:
    """The limit is checked when the good token comes."""
    await service.one(start_16(0, id_tag="GOOD"), station="ELSEWHERE")
    start = await service.one(cable_first(id_token=IdToken(id_token="BAD", type="ISO14443")))
    await service.refuse(start)
    good = await service.one(identified("GOOD", 1, 10))
    assert good.concurrent_count == 1
    await service.one(event_2x("a", "ENDED", 2, 100, 6000))
    found = await service.get("a")
    assert (found.id_token.id_token, found.energy_wh, list(found.flags)) == ("GOOD", 5000, [])


async def test_a_token_presented_again_is_not_counted_against_itself(service: Service) -> None:
    """Another token is not counted either, since the transaction has a token."""
    await service.one(start_16(0, id_tag="GOOD"), station="ELSEWHERE")
    await service.one(
        start_16(0, id_tag="OTHER"),
        station="ELSEWHERE",
    )
    started = await service.one(cable_first(id_token=IdToken(id_token="GOOD")))
    assert started.HasField("concurrent_count")
    for seq_no, text in enumerate(("good", "OTHER"), start=1):
        again = await service.one(identified(text, seq_no, seq_no * 10))
        assert not again.HasField("concurrent_count")
        assert again.event_key


async def test_only_refused_tokens_were_presented(service: Service) -> None:
    """The first token is shown, with its status, and a flag once there is energy."""
    number = (start := await service.one(start_16(0, id_tag="BAD"))).transaction_id
    await service.refuse(start)
    found = await service.get(number)
    assert (found.id_token.id_token, found.authorization_status, list(found.flags)) == ("BAD", BLOCKED, [])
    await service.one(values_16(number, 60, 1500))
    await service.one(stop_16(number, 90, 1600, id_tag="BAD"))
    found = await service.get(number)
    assert (found.energy_wh, list(found.flags)) == (600, ["refused_token"])
    published = [(kind, data.get("authorizationStatus")) for kind, data in await service.published()]
    assert published == [
        ("transaction.started", None),
        ("transaction.updated", "AUTHORIZATION_STATUS_BLOCKED"),
        ("transaction.ended", "AUTHORIZATION_STATUS_BLOCKED"),
    ]


async def test_a_refusal_after_the_end_is_published(service: Service) -> None:
    """Consumers that have the end already get a further event."""
    number = (start := await service.one(start_16(0))).transaction_id
    await service.one(stop_16(number, 60, 2000))
    await service.refuse(start)
    ended = [data for _kind, data in await service.published("transaction.ended")]
    assert [data.get("authorizationStatus") for data in ended] == [None, "AUTHORIZATION_STATUS_BLOCKED"]
    assert ended[-1]["flags"] == ["refused_token"]
    ids = sa.text("SELECT count(DISTINCT event_id), count(*) FROM outbox")
    distinct, rows = await service.database.read(lambda connection: tuple(connection.execute(ids).one()))
    assert distinct == rows


async def test_a_repeated_event_gets_its_refusal_again(service: Service) -> None:
    """A second refusal with another status changes nothing: the station was answered with the first."""
    await service.one(start_16(0), station="A")
    event = start_16(10)
    first = await service.one(event, station="B")
    for status in (CONCURRENT, BLOCKED):
        await service.refuse(first, status, station="B")
    again = await service.one(event, station="B")
    assert (again.repeated, again.authorization_status, again.event_key) == (True, CONCURRENT, "")
    assert (await service.get(first.transaction_id, station="B")).event_count == 1


async def test_a_repeat_is_judged_where_the_first_was_not(service: Service) -> None:
    """The gateway was killed between event and refusal; the repeat has the count of the first time."""
    a = await service.one(start_16(0), station="A")
    event = start_16(10)
    first = await service.one(event, station="B")
    await service.one(stop_16(a.transaction_id, 20, 1500), station="A")
    again = await service.one(event, station="B")
    assert (again.repeated, again.event_key, again.concurrent_count) == (True, first.event_key, 1)
    await service.refuse(again, CONCURRENT, station="B")
    assert (await service.one(start_16(30), station="C")).concurrent_count == 0


async def test_a_repeat_changes_nothing_once_the_station_has_gone_on(service: Service) -> None:
    """A later event shows that the token was accepted: a token blocked since then keeps its session."""
    event = start_16(0)
    number = (await service.one(event)).transaction_id
    await service.one(values_16(number, 60, 1500))
    again = await service.one(event)
    assert (again.repeated, again.event_key, again.HasField("concurrent_count")) == (True, "", False)


async def test_the_token_of_a_stop_begins_nothing(service: Service) -> None:
    """It is neither counted nor refused."""
    number = (await service.one(start_16(0))).transaction_id
    stop = await service.one(stop_16(number, 60, 1500))
    assert (stop.event_key, stop.HasField("concurrent_count")) == ("", False)


async def test_the_same_content_twice_without_a_clock(service: Service) -> None:
    """A station without a clock sends two transactions with the same content; the refusal is that of the second."""
    event = start_16()
    event.event_time.CopyFrom(Timestamp(seconds=37))  # 1970
    first = await service.one(event)
    await service.one(stop_16(first.transaction_id, 60, 1500))
    second = await service.one(event)
    assert not second.repeated
    await service.refuse(second)
    statuses = {found.transaction_id: found.authorization_status for found in await service.all()}
    assert statuses == {first.transaction_id: NONE, second.transaction_id: BLOCKED}


async def test_an_invalid_refusal_fails_alone(service: Service) -> None:
    """Its result has the reason; the others are recorded."""
    start = await service.one(start_16(0))
    keys = ["", "0", "x.ab", "-1.ab", "0.", "0.a b", f"0.{'f' * 32}", start.event_key[:-1]]
    items = [service.refusal(key, BLOCKED) for key in keys]
    items += [service.refusal(start.event_key, status) for status in (0, 1, 4711)]
    items += [service.refusal(start.event_key, BLOCKED, station=""), service.refusal(start.event_key, BLOCKED)]
    response = await service.ingest.RecordAuthorizations(RecordAuthorizationsRequest(items=items), CONTEXT)
    reasons = [from_status(result.error).reason if result.HasField("error") else "" for result in response.results]
    assert reasons == ["INVALID_FIELD"] * 6 + ["EVENT_NOT_FOUND"] * 2 + ["INVALID_FIELD"] * 4 + [""]
    assert (await service.get(start.transaction_id)).authorization_status == BLOCKED


async def test_what_a_token_holds_is_counted_for_authorize(service: Service) -> None:
    """Open transactions of the tenant that were not refused count; one at the asking station is reported."""
    await service.one(start_16(0), station="A")
    await service.one(start_16(0), station="B")
    await service.refuse(await service.one(start_16(0), station="C"), CONCURRENT, station="C")
    ended = await service.one(start_16(0), station="D")
    await service.one(stop_16(ended.transaction_id, 60, 1500), station="D")
    await service.one(start_16(0), station="E")
    await service.notify(booted(), station="E")

    def item(station: str, text: str = "tag", tenant: str = "default") -> CountOpenTransactionsItem:
        return CountOpenTransactionsItem(
            origin=Origin(tenant_id=tenant, station_id=station), id_token=IdToken(id_token=text)
        )

    items = [item("A"), item("E"), item("C"), item("D"), item("A", "none"), item("A", tenant="other"), item("A", "")]
    response = await service.ingest.CountOpenTransactions(CountOpenTransactionsRequest(items=items), CONTEXT)
    *published, failed = response.results
    assert published == [
        CountOpenTransactionsResult(count=2, held_by_station=True),
        CountOpenTransactionsResult(count=2, held_by_station=True),
        CountOpenTransactionsResult(count=2),
        CountOpenTransactionsResult(count=2),
        CountOpenTransactionsResult(),
        CountOpenTransactionsResult(),
    ]
    assert from_status(failed.error).reason == "INVALID_FIELD"


async def test_rows_of_the_release_before_count(service: Service) -> None:
    """It does not know the column `token_held`: each of its open transactions is held."""
    await service.one(start_16(0), station="A")

    def write(connection: Connection) -> None:
        columns = [column for column in sa.inspect(connection).get_columns("tx") if column["name"] != "token_held"]
        names = ", ".join(column["name"] for column in columns)
        kept = names.replace("station_id", "'OLD'", 1)
        connection.execute(sa.text(f"INSERT INTO tx ({names}) SELECT {kept} FROM tx"))  # noqa: S608 - our own names

    await service.database.write(write)
    assert (await service.one(start_16(0), station="B")).concurrent_count == 2


def test_every_status_but_acceptance_refuses() -> None:
    """A status that this code does not know is not a refusal."""
    assert len(authorizations._REFUSALS) == len(id_token_pb2.AuthorizationStatus.values()) - 2


async def test_a_refused_start_leaves_the_live_transaction_of_its_evse(service: Service) -> None:
    """A known fault of another system: a card that was refused closed the transaction of the driver who is charging."""
    live = (await service.one(start_16(0))).transaction_id
    await service.one(values_16(live, 60, 1400))
    refused = await service.one(start_16(100, id_tag="OTHER", meter_start=1450))
    await service.refuse(refused)
    assert (await service.get(live)).state == ACTIVE
    assert (await service.get(refused.transaction_id)).authorization_status == BLOCKED
    await service.one(stop_16(refused.transaction_id, 101, 1450))
    await service.one(stop_16(live, 200, 1900))
    found = await service.get(live)
    assert (found.energy_wh, found.stopped_reason, list(found.flags)) == (900, tx.STOPPED_REASON_LOCAL, [])


async def test_behind_a_refused_start_the_next_one_ends_the_live_transaction(service: Service) -> None:
    """The refused one is between them by its time, and counts for neither."""
    live = (await service.one(start_16(0))).transaction_id
    await service.refuse(await service.one(start_16(100, id_tag="OTHER", meter_start=1450)))
    await service.one(start_16(200, id_tag="NEXT", meter_start=1500))
    found = await service.get(live)
    assert (found.state, found.stopped_reason) == (ENDED, tx.STOPPED_REASON_SUPERSEDED)
    assert found.end_time == at(200)


async def test_a_refused_start_that_gets_an_accepted_token_takes_its_evse(service: Service) -> None:
    """2.x: the second card is accepted, and then the transaction before it is over."""
    evse = EvseRef(evse_id=1, connector_id=1)
    await service.one(event_2x("live", "STARTED", 0, 0, 100, evse=evse))
    card = IdToken(id_token="OTHER", type="ISO14443")
    start = await service.one(event_2x("a", "STARTED", 0, 100, 500, evse=evse, id_token=card))
    await service.refuse(start)
    assert (await service.get("live")).state == ACTIVE
    await service.one(identified("GOOD", 1, 110))
    found = await service.get("live")
    assert (found.state, found.stopped_reason, found.end_time) == (ENDED, tx.STOPPED_REASON_SUPERSEDED, at(100))


async def test_a_refused_start_that_is_sent_again_is_the_same(service: Service) -> None:
    """1.6 stations write the time of the attempt into a start that they repeat."""
    first = await service.one(start_16(0))
    await service.refuse(first)
    assert (await service.one(start_16(5))).transaction_id == first.transaction_id
