"""The erasure of a driver in transaction_svc: what waits, what a crash leaves, and what late messages do."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from csms.common.v1.id_token_pb2 import IdToken
from csms.transaction.v1.transaction_event_pb2 import RawMessage
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem
from sqlalchemy import Connection

from mesh.contract.drivers import Driver
from mesh.driver_erasure import DriverErasures
from tests.driver_erasures import FixedErasures
from tests.transaction_svc.kit import Service, event_2x, start_16, stop_16, values_16
from tests.transaction_svc.test_thinning import DAYS, pass_days, thin
from transaction_svc import driver_rows, models

TAG = "04A1B2C3D4"
DRIVER = Driver(tenant_id="default", id_tokens=(TAG,), pseudonym="erased-0123456789abcdef")
TOKEN = IdToken(id_token=TAG, type="ISO14443")


class CrashError(Exception):
    """The process ends here."""


class Clock:
    """A clock of seconds."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The present."""
        return self.now_s


def erasing(service: Service, source: FixedErasures, *, crash_after: int = 10**9, page: int = 200) -> Any:
    """The erasures of a process that ends after so many pages."""
    pages = 0

    async def pause(_seconds: float) -> None:
        nonlocal pages
        pages += 1
        if pages > crash_after:
            raise CrashError

    tables = [replace(table, page=min(table.page, page)) for table in driver_rows.TABLES]
    clock = Clock()
    found: Any = DriverErasures(
        database=service.database, part="transaction", tables=tables, source=source, clock_s=clock, pause=pause
    )
    found.clock = clock  # for `run`
    return found


async def run(erasures: Any) -> None:
    """Runs, after the time in which messages may be on their way."""
    await erasures.erase_all()
    erasures.clock.now_s += 1000
    await erasures.erase_all()


async def session(service: Service, station: str, *, id_tag: str = TAG, samples: int = 3) -> str:
    """A session of 1.6."""
    number = (await service.one(start_16(id_tag=id_tag), station=station)).transaction_id
    for n in range(1, samples + 1):
        await service.one(values_16(number, 60 * n, 1000 + 50 * n), station=station)
    await service.one(stop_16(number, 3600, 2000, id_tag=id_tag), station=station)
    return number


async def tokens(service: Service) -> list[tuple[str, str]]:
    """The token of each transaction, by the column that finds it and by the state, in the order of stations."""
    found = sorted(await service.all(), key=lambda one: one.station_id)

    def keys(connection: Connection) -> Sequence[str]:
        return connection.execute(sa.select(models.tx.c.token_key).order_by(models.tx.c.station_id)).scalars().all()

    return list(zip(await service.database.read(keys), (one.id_token.id_token for one in found), strict=True))


async def test_a_crash_on_the_way_goes_on_where_it_was(service: Service) -> None:
    """Nothing is done twice, and nothing is left out: the numbers are those of one run."""
    for n in range(12):
        await session(service, f"CP{n:02}", id_tag=TAG if n % 2 else "OTHER-TAG")
    source = FixedErasures(driver=DRIVER)
    for _crash in range(4):
        with pytest.raises(CrashError):
            await run(erasing(service, source, crash_after=5, page=3))
    assert source.reports == []
    done = [key for key, _token in await tokens(service)].count(DRIVER.pseudonym)
    assert done < 6  # some are left
    await run(erasing(service, source, page=3))
    assert await tokens(service) == [
        (DRIVER.pseudonym, DRIVER.pseudonym) if n % 2 else ("other-tag", "OTHER-TAG") for n in range(12)
    ]
    # Of six sessions a state, a start and a stop each; their events wait in the outbox.
    removed, changed, waiting, finished = source.last
    outbox = changed - 18
    assert (removed, waiting, finished) == (0, 0, True)
    assert outbox >= 12


async def test_events_that_are_packed_have_no_trace_and_the_same_energy(service: Service) -> None:
    number = await session(service, "CP1")
    pass_days(service, DAYS + 1)
    assert await thin(service) == 1
    before = await service.get(number)
    source = FixedErasures(driver=DRIVER)
    await run(erasing(service, source))
    after = await service.get(number)
    assert (after.energy_wh, after.flags, after.end_time) == (before.energy_wh, before.flags, before.end_time)
    # A late reading has the transaction made again of its records, packed ones too.
    await service.one(values_16(number, 1800, 1600))
    again = await service.get(number)
    assert (again.energy_wh, again.id_token.id_token) == (before.energy_wh, DRIVER.pseudonym)


async def test_an_open_transaction_waits_and_is_erased_after_its_end(service: Service) -> None:
    await service.one(event_2x("t", "STARTED", 0, 0, 1000, id_token=TOKEN))
    source = FixedErasures(driver=DRIVER)
    erasures = erasing(service, source)
    await run(erasures)
    assert source.last[2:] == (2, False)
    assert (await service.get("t")).id_token.id_token == TAG
    await service.one(event_2x("t", "ENDED", 1, 600, 2000, id_token=TOKEN))
    await run(erasures)
    assert source.last[2:] == (0, True)
    assert (await service.get("t")).id_token.id_token == DRIVER.pseudonym
    # An event with a sequence number that comes again is known, though it has the id token again.
    await service.one(event_2x("t", "ENDED", 1, 600, 2000, id_token=TOKEN))
    assert len(await service.events("t")) == 2
    assert (await service.get("t")).id_token.id_token == DRIVER.pseudonym


async def test_a_later_session_with_the_id_token_is_new_data(service: Service) -> None:
    """As docs/PRIVACY.md has it: nothing knows the id token any more."""
    await session(service, "CP1")
    await run(erasing(service, FixedErasures(driver=DRIVER)))
    await session(service, "CP2")
    assert await tokens(service) == [(DRIVER.pseudonym, DRIVER.pseudonym), (TAG.lower(), TAG)]


async def test_an_open_item_of_the_quarantine_waits_for_an_operator(service: Service) -> None:
    raw = RawMessage(
        ocpp_version="1.6",
        action="StartTransaction",
        payload=f'{{"idTag":"{TAG}","meterStart":"?"}}',
        reason="MESSAGE_UNREADABLE",
        message="meterStart is no number",
    )
    await service.send_items([TransactionEventItem(origin=service.origin(station="CP1"), raw=raw)])
    source = FixedErasures(driver=DRIVER)
    erasures = erasing(service, source)
    await run(erasures)
    assert source.last == (0, 0, 1, False)
    await _dismiss(service)
    await run(erasures)
    assert source.last[0] == 1
    assert source.last[2:] == (0, True)
    assert await service.database.read(_quarantined) == 0


def _quarantined(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(models.quarantine)).scalar_one()


async def _dismiss(service: Service) -> None:
    def dismiss(connection: Connection) -> None:
        connection.execute(sa.update(models.quarantine).values(state="DISMISSED"))

    await service.database.write(dismiss)


async def test_another_tenants_driver_with_the_id_token_stays(service: Service) -> None:
    item = TransactionEventItem(
        origin=service.origin(station="CP1", tenant="acme"),
        event=event_2x("t", "STARTED", 0, 0, 1000, id_token=TOKEN),
    )
    await service.send_items([item])
    source = FixedErasures(driver=DRIVER)
    await run(erasing(service, source))
    assert source.last == (0, 0, 0, True)

    def key(connection: Connection) -> str:
        return str(connection.execute(sa.select(models.tx.c.token_key)).scalar_one())

    assert await service.database.read(key) == TAG.lower()
