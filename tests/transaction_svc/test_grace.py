"""Grace periods of hanging transactions, by the station's message attempts or by the setting."""

import itertools

import pytest
import sqlalchemy as sa
from csms.transaction.v1 import transaction_service_pb2 as transactions

from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import SECOND_US
from tests.mesh_identities import mesh_environment
from tests.transaction_svc.kit import Service, StationEvent, available, booted, booted_with, start_16, values_16
from transaction_svc import models
from transaction_svc.grace import MOST_GRACE_US, Grace, MessageAttempts
from transaction_svc.settings import HANGING_GRACE_US, LEAST_HANGING_GRACE_US, TransactionSettings

ACTIVE, ENDED = transactions.TRANSACTION_STATE_ACTIVE, transactions.TRANSACTION_STATE_ENDED
GRACE_S, LEAST_S = HANGING_GRACE_US // SECOND_US, LEAST_HANGING_GRACE_US // SECOND_US
# 5 attempts, 10 min between the first two: 10 min x (1 + 2 + 3 + 4), and a minute for each.
LONG, LONG_S = booted_with(5, 600), 600 * 10 + 60 * 5


async def charging(service: Service, *, connector: int = 1) -> str:
    """Begins a 1.6 transaction; returns its number."""
    number = (await service.one(start_16(connector=connector))).transaction_id
    await service.one(values_16(number, 600, 1500, connector=connector))
    return number


async def expect_end_after(service: Service, seconds: float) -> None:
    """Expects that the one hanging transaction is ended after this time, and no sooner."""
    service.clock.advance(seconds - 1)
    assert await service.expiry.end_due() == 0
    service.clock.advance(1)
    assert await service.expiry.end_due() == 1


@pytest.mark.parametrize(
    ("count", "interval_s", "seconds"),
    [
        (3, 60, 1800),  # 60 + 120, and a minute for each of three: less than the least
        (5, 600, 6300),
        (10, 60, 3300),
        (1, 86_400, 1800),  # never repeated
        (3, 0, 1800),
        (2**31 - 1, 2**31 - 1, MOST_GRACE_US // SECOND_US),
    ],
)
def test_the_time_in_which_a_message_can_still_come(count: int, interval_s: int, seconds: int) -> None:
    """The waits grow with each attempt; the period is never shorter than the least, and never longer than a year."""
    grace = Grace(default_us=7, least_us=LEAST_HANGING_GRACE_US)
    assert grace.of(MessageAttempts(count=count, interval_s=interval_s)) == seconds * SECOND_US
    assert grace.of(None) == 7


def test_settings() -> None:
    """Both have a default and bounds."""
    required = {"CSMS_AUTH_ADDRESS": "127.0.0.1:1", **mesh_environment("transaction")}
    assert TransactionSettings.read(Environment(required)).grace == Grace(
        default_us=12 * 3600 * SECOND_US, least_us=1800 * SECOND_US
    )
    given = required | {"CSMS_HANGING_GRACE_S": "120", "CSMS_HANGING_GRACE_LEAST_S": "60"}
    grace = TransactionSettings.read(Environment(given)).grace
    assert grace == Grace(default_us=120 * SECOND_US, least_us=60 * SECOND_US)
    for name in ("CSMS_HANGING_GRACE_S", "CSMS_HANGING_GRACE_LEAST_S"):
        with pytest.raises(SettingError, match=name):
            TransactionSettings.read(Environment(required | {name: "59"}))


@pytest.mark.parametrize(
    ("boot", "seconds"),
    [
        (LONG, LONG_S),
        (booted_with(3, 60), LEAST_S),
        (booted(), GRACE_S),
        (booted(message_attempts=3), GRACE_S),
        (booted_with(0, 60), GRACE_S),
        (booted_with(3, -1), GRACE_S),
    ],
    ids=["known", "short", "not known", "half known", "no attempts", "negative"],
)
async def test_the_grace_period_is_that_of_the_boot(service: Service, boot: StationEvent, seconds: int) -> None:
    """The station's attempts decide where both values are known and valid, else the setting."""
    number = await charging(service)
    await service.notify(boot)
    await expect_end_after(service, seconds)
    assert list((await service.get(number)).flags) == ["abandoned"]


async def test_an_available_connector_hangs_by_the_last_boot(service: Service) -> None:
    """The values of the boot before the transaction are stored for each station."""
    await service.notify(LONG)
    await service.notify(booted_with(3, 60), station="CP2")
    number = await charging(service)
    await service.notify(available())
    await expect_end_after(service, LONG_S)
    assert (await service.get(number)).state == ENDED


async def test_the_next_boot_counts(service: Service) -> None:
    """Its values may be new, or missing; the period still begins with the first mark."""
    number = await charging(service)
    await service.notify(booted())
    service.clock.advance(600)
    await service.notify(LONG)
    service.clock.advance(600)
    await service.notify(booted_with(3, 60))
    await expect_end_after(service, LEAST_S - 1200)
    await service.one(values_16(number, 700, 1600))
    assert (await service.get(number)).state == ACTIVE
    await service.notify(booted())
    await expect_end_after(service, GRACE_S)


async def test_values_delay_the_end(service: Service) -> None:
    """A session that goes on is never ended; values from a station's queue delay the end."""
    number = await charging(service)
    for turn in range(4):
        await service.notify(LONG)
        service.clock.advance(LONG_S - 1)
        await service.one(values_16(number, 700 + turn, 1600 + turn))
        assert await service.expiry.end_due() == 0
        assert not (await service.get(number)).hanging
    await service.notify(available(900))
    service.clock.advance(LONG_S - 1)
    await service.one(values_16(number, 800, 1700))
    assert (await service.get(number)).hanging
    await expect_end_after(service, LONG_S)


async def test_a_session_that_was_ended_too_soon_goes_on(service: Service) -> None:
    """Its station measures less often than the grace period lasts: the next values open it again."""
    number = await charging(service)
    await service.notify(booted_with(3, 60))
    await expect_end_after(service, LEAST_S)
    service.clock.advance(1800)
    await service.one(values_16(number, 4200, 2500))
    found = await service.get(number)
    assert (found.state, found.hanging, found.energy_wh, list(found.flags)) == (ACTIVE, False, 1500, [])


async def test_whichever_comes_first(service: Service) -> None:
    """Boots and available connectors come in any order and in any batches: the latest boot decides."""
    numbers = itertools.count(1)
    for order in itertools.permutations(range(3)):
        for cut in (1, 2, 3):
            station = f"S{next(numbers)}"
            number = (await service.one(start_16(), station=station)).transaction_id
            await service.one(values_16(number, 600, 1500), station=station)
            published = [
                service.station_item(event, station=station) for event in (booted_with(3, 60), LONG, available())
            ]
            for batch in (order[:cut], order[cut:]):
                results = await service.notify_items([published[index] for index in batch])
                assert not any(result.HasField("error") for result in results)
    count = next(numbers) - 1
    due = sa.select(models.tx.c.hanging_due_us)
    assert await service.database.read(lambda connection: connection.execute(due).scalars().all()) == (
        [service.clock() + LONG_S * SECOND_US] * count
    )


async def test_rows_of_older_code(service: Service) -> None:
    """Their stations have no known message attempts."""
    await service.notify(LONG)
    empty = sa.update(models.station).values(message_attempts=None, message_attempt_interval_s=None)
    await service.database.write(lambda connection: connection.execute(empty).rowcount)
    await charging(service)
    await service.notify(available())
    await expect_end_after(service, GRACE_S)
