"""Messages of a station that is not accepted: recorded in transactions that it had before, else kept up to a bound."""

from collections.abc import Sequence

import pytest
from csms.transaction.v1.transaction_event_pb2 import RawMessage, TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem, TransactionEventResult
from csms.transaction.v1.transaction_service_pb2 import QUARANTINE_STATE_RECORDED, TRANSACTION_STATE_ENDED

from tests.transaction_svc.kit import Service, error_of, event_2x, start_16, stop_16, values_16
from tests.transaction_svc.test_rerun import dismiss, kept
from transaction_svc import quarantine

REFUSED = ("QUARANTINED", "STATION_NOT_ACCEPTED")
FULL = ("QUARANTINE_FULL", "STATION_NOT_ACCEPTED")


def unaccepted(
    service: Service, event: TransactionEvent, *, text: str = "", station: str = "CP1"
) -> TransactionEventItem:
    """The item that a gateway sends for an event of a station that is not accepted; `text` is its payload."""
    item = service.item(event, station=station)
    item.raw.CopyFrom(
        RawMessage(
            ocpp_version="2.0.1",
            action="TransactionEvent",
            payload=text or event.SerializeToString(deterministic=True).hex(),
            reason="STATION_NOT_ACCEPTED",
            message="the station is not accepted yet",
        )
    )
    item.known_transaction_only = True
    return item


async def offer(service: Service, *events: TransactionEvent) -> Sequence[TransactionEventResult]:
    """Offers such events in one batch and returns the results."""
    return await service.send_items([unaccepted(service, event) for event in events])


def verdicts(results: Sequence[TransactionEventResult]) -> list[tuple[str, str] | None]:
    """Reason and cause of each event that was not recorded."""
    errors = [error_of(result) if result.HasField("error") else None for result in results]
    return [None if error is None else (error.reason, error.metadata.get("cause", "")) for error in errors]


async def test_an_open_session_goes_on(service: Service) -> None:
    """1.6 and 2.x: its events are recorded, also repeats and late ones."""
    number = (await service.one(start_16())).transaction_id
    await service.one(event_2x("a", "STARTED", 0, 0, 0))
    results = await offer(
        service,
        values_16(number, 30, 1200),
        stop_16(number, 60, 1500),
        event_2x("a", "UPDATED", 1, 30, 200),
        event_2x("a", "ENDED", 2, 60, 300),
    )
    assert verdicts(results) == [None] * 4
    for name, energy_wh in ((number, 500), ("a", 300)):
        found = await service.get(name)
        assert (found.state, found.energy_wh) == (TRANSACTION_STATE_ENDED, energy_wh)
    again = await offer(service, stop_16(number, 60, 1500), event_2x("a", "ENDED", 2, 60, 300))
    assert [result.repeated for result in again] == [True, True]
    assert not await kept(service)


async def test_a_repeated_start_gets_its_number_again(service: Service) -> None:
    """Its answer was lost, and meanwhile an operator set the station to pending."""
    number = (await service.one(start_16())).transaction_id
    [result] = await offer(service, start_16())
    assert (result.transaction_id, result.repeated) == (number, True)


@pytest.mark.parametrize(
    "event",
    [
        start_16(100),
        event_2x("new", "STARTED", 0, 100, 0),
        event_2x("new", "UPDATED", 1, 100, 0),
        event_2x("a", "STARTED", 0, 100, 0),  # the name is used again
        event_2x("a", "STARTED", 0, -100, 0),  # and before
        stop_16("4242", 100, 2000),
        values_16("0", 100, 2000),
        stop_16("-1", 100, 2000),
        TransactionEvent(),  # unreadable
    ],
)
async def test_nothing_is_begun(service: Service, event: TransactionEvent) -> None:
    """The message is in quarantine as it came; no transaction is made, moved or changed."""
    await service.one(event_2x("a", "STARTED", 0, 0, 0))
    await service.one(event_2x("a", "ENDED", 1, 60, 100))
    before = await service.all()
    item = unaccepted(service, event)
    assert verdicts(await service.send_items([item])) == [REFUSED]
    assert await service.all() == before
    [found] = await kept(service)
    assert (found.reason, found.raw_message.raw, found.station_id) == ("STATION_NOT_ACCEPTED", item.raw, "CP1")


async def test_an_orphan_takes_no_more(service: Service) -> None:
    """Unmatched events from the time when the station was accepted are no open session."""
    await service.one(stop_16("4242", 0, 2000))
    assert verdicts(await offer(service, values_16("0", 100, 2000), values_16("0", 200, 2000))) == [REFUSED] * 2


async def test_other_items_of_the_batch_are_recorded(service: Service) -> None:
    """A batch has items of both kinds of stations, and each gets its own result."""
    await service.one(event_2x("a", "STARTED", 0, 0, 0))
    items = [
        service.item(event_2x("b", "STARTED", 0, 0, 0), station="CP2"),
        unaccepted(service, event_2x("x", "STARTED", 0, 0, 0)),
        unaccepted(service, event_2x("a", "UPDATED", 1, 30, 200)),
        unaccepted(service, event_2x("y", "STARTED", 0, 0, 0)),
        service.item(start_16(), station="CP3"),
    ]
    results = await service.send_items(items)
    assert verdicts(results) == [None, REFUSED, None, REFUSED, None]
    assert {tx.station_id for tx in await service.all()} == {"CP1", "CP2", "CP3"}


async def test_messages_are_bounded_by_number(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is per station, over one batch or several; a dismissal makes room."""
    monkeypatch.setattr(quarantine, "MOST_UNACCEPTED", 3)
    first = await offer(service, *(event_2x(f"x{n}", "STARTED", 0, 0, 0) for n in range(2)))
    second = await offer(service, *(event_2x(f"y{n}", "STARTED", 0, 0, 0) for n in range(2)))
    assert verdicts([*first, *second]) == [REFUSED] * 3 + [FULL]
    other = unaccepted(service, event_2x("z", "STARTED", 0, 0, 0), station="CP2")
    assert verdicts(await service.send_items([other])) == [REFUSED]
    items = await kept(service, filter='station_id = "CP1"')
    assert len(items) == 3
    assert len(await service.published("transaction.quarantined")) == 4
    await dismiss(service, items[0].quarantine_id)
    assert verdicts(await offer(service, event_2x("y1", "STARTED", 0, 0, 0))) == [REFUSED]


async def test_messages_are_bounded_by_size(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few large messages reach the bound."""
    monkeypatch.setattr(quarantine, "MOST_UNACCEPTED_CHARACTERS", 10_000)
    items = [unaccepted(service, event_2x(f"x{n}", "STARTED", 0, 0, 0), text=str(n) * 5_000) for n in range(2)]
    small = unaccepted(service, event_2x("s", "STARTED", 0, 0, 0))
    assert verdicts(await service.send_items([*items, small])) == [REFUSED, FULL, REFUSED]


async def test_other_messages_in_quarantine_do_not_count(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A station that is accepted has no such bound: each of its messages was acknowledged."""
    monkeypatch.setattr(quarantine, "MOST_UNACCEPTED", 1)
    await service.send(*(event_2x(f"a{n}", "STARTED", -1, 0) for n in range(3)))
    assert verdicts(await offer(service, event_2x("x", "STARTED", 0, 0, 0))) == [REFUSED]
    assert len(await kept(service)) == 4
    assert not [item for item in await kept(service) if item.state == QUARANTINE_STATE_RECORDED]
