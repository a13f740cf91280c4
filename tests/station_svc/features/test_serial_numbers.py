"""Serial numbers as names in certificates: confirmed at boots, stated by operators, never blocked by others' claims.

OCPP 2.0.1 part 2, A00.FR.405; OCPP 1.6 security whitepaper, 4.2.3.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import count, product

import grpc
import pytest
import sqlalchemy as sa
from csms.station.v1 import station_pb2
from csms.station.v1.station_service_pb2 import ImportStationsRequest, UpdateStationRequest
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.runtime.errors import from_rpc_error, from_status
from station_svc.core import models
from station_svc.core.serial_numbers import (
    Claim,
    NamedStation,
    can_be_confirmed,
    is_serial_number,
    may_be_confirmed,
    names_of,
)
from tests.station_svc.certificate_rig import Rig, certificate_rig
from tests.station_svc.conftest import StartSystem, attempt, fails_with, reason_of

_numbers = count()  # each request is another one
PENDING = station_pb2.REGISTRATION_STATUS_PENDING


@pytest.fixture
async def rig(start_system: StartSystem) -> AsyncIterator[Rig]:
    """A station_svc with its authority."""
    async with certificate_rig(start_system) as rig:
        yield rig


async def _boot(rig: Rig, station_id: str, serial_number: str = "", **identity: str) -> int:
    """A station with a credential, which it presents, connects and boots; its epoch."""
    if station_id not in rig.credentials:
        rig.credentials[station_id] = await rig.system.create(station_id)
    item = attempt(station_id, credential=rig.credentials[station_id].encode(), username=station_id)
    [result] = await rig.system.attempt(item)
    assert not result.HasField("error"), result.error
    boot = rig.system.boot_item(station_id, result.epoch, None, serial_number=serial_number, **identity)
    await rig.system.boot(boot)
    return result.epoch


async def _names(rig: Rig, **epochs: int) -> dict[str, list[str]]:
    """The names of stations by which auth_svc may sign their requests."""
    rig.authority.items.clear()
    await rig.ask(*(rig.item(name, epoch, f"csr {next(_numbers)}") for name, epoch in epochs.items()))
    return {item.station_id: list(item.common_names) for item in rig.authority.items}


async def _expect_serial(rig: Rig, station_id: str, serial_number: str) -> station_pb2.Station:
    station = station_pb2.Station(station_id=station_id, expected_serial_number=serial_number)
    request = UpdateStationRequest(station=station, update_mask=FieldMask(paths=["expected_serial_number"]))
    return (await rig.system.stations.UpdateStation(request)).station


async def _confirmed(rig: Rig, station_id: str) -> str:
    return (await rig.system.station(station_id)).confirmed_serial_number


async def test_the_first_serial_number_that_is_reported_is_confirmed_and_stays(rig: Rig) -> None:
    epoch = await _boot(rig, "CP1", "SN-1")
    assert await _names(rig, CP1=epoch) == {"CP1": ["CP1", "SN-1"]}
    epoch = await _boot(rig, "CP1", "csms-2")
    assert await _names(rig, CP1=epoch) == {"CP1": ["CP1", "SN-1"]}
    assert await _confirmed(rig, "CP1") == "SN-1"


async def test_a_serial_number_of_the_charge_box_alone_counts_too(rig: Rig) -> None:
    epoch = await _boot(rig, "CP1", charge_box_serial_number="BOX-1")
    assert await _names(rig, CP1=epoch) == {"CP1": ["BOX-1", "CP1"]}


async def test_a_claim_of_another_station_s_serial_number_blocks_nobody(rig: Rig) -> None:
    """The one that had it first keeps it, whatever others report later."""
    first = await _boot(rig, "CP1", "SN-1")
    second = await _boot(rig, "CP2", "SN-1")
    assert await _names(rig, CP1=first, CP2=second) == {"CP1": ["CP1", "SN-1"], "CP2": ["CP2"]}
    assert await _confirmed(rig, "CP2") == ""


async def test_two_that_report_the_same_in_one_batch_have_it_neither(rig: Rig) -> None:
    epochs = {name: await _boot(rig, name) for name in ("CP1", "CP2")}
    await rig.system.boot(*(rig.system.boot_item(name, epoch, serial_number="SN-1") for name, epoch in epochs.items()))
    assert await _names(rig, **epochs) == {"CP1": ["CP1"], "CP2": ["CP2"]}


@pytest.mark.parametrize("name", ["*", "*.example.com", "csms.example.com", "CSMS.local", "SN\u00e9", "a\tb", "x" * 65])
async def test_reported_names_that_are_never_confirmed(rig: Rig, name: str) -> None:
    """Wildcards and names of hosts: an outsider had such ones signed."""
    epoch = await _boot(rig, "CP1", name)
    assert await _names(rig, CP1=epoch) == {"CP1": ["CP1"]}


async def test_the_identity_of_another_station_is_never_confirmed(rig: Rig) -> None:
    """Nor is a station added whose name is a serial number that another one has."""
    await _boot(rig, "CP2")
    epoch = await _boot(rig, "CP1", "CP2")
    later = await _boot(rig, "CP3", "NEW")
    assert await _names(rig, CP1=epoch, CP3=later) == {"CP1": ["CP1"], "CP3": ["CP3", "NEW"]}
    with fails_with("SERIAL_NUMBER_EXISTS"):
        await rig.system.create("NEW")
    assert await _names(rig, CP3=await _boot(rig, "CP3", "NEW")) == {"CP3": ["CP3", "NEW"]}


async def test_a_station_that_anybody_can_connect_as_confirms_nothing(rig: Rig) -> None:
    """Its identity is all that it may be called; with a credential its next boot counts."""
    epoch = await rig.booted("CP1", serial_number="FUTURE1")
    assert await _names(rig, CP1=epoch) == {"CP1": ["CP1"]}
    assert await _confirmed(rig, "CP1") == ""


async def test_a_station_that_is_not_accepted_confirms_nothing(rig: Rig) -> None:
    await _boot(rig, "CP1")
    update = station_pb2.Station(station_id="CP1", registration_status=PENDING)
    mask = FieldMask(paths=["registration_status"])
    await rig.system.stations.UpdateStation(UpdateStationRequest(station=update, update_mask=mask))
    epoch = await _boot(rig, "CP1", "SN-1")
    assert await _confirmed(rig, "CP1") == ""
    assert await _names(rig, CP1=epoch) == {"CP1": ["CP1"]}


async def test_the_same_serial_number_in_another_tenant_is_another_one(rig: Rig) -> None:
    epoch = await _boot(rig, "CP1", "SN-1")
    other = sa.insert(models.station).values(
        tenant_id="acme",
        station_id="SN-1",
        registration_status=1,
        serial_number="SN-1",
        confirmed_serial_number="SN-1",
        create_us=1,
        update_us=1,
    )
    await rig.system.database.write(lambda connection: connection.execute(other))
    assert await _names(rig, CP1=epoch) == {"CP1": ["CP1", "SN-1"]}


async def test_the_word_of_an_operator_stands_above_reports(rig: Rig) -> None:
    """It takes a serial number from a station that claimed it first, and gives the station its own again without it."""
    thief = await _boot(rig, "CP2", "SN-1")
    epoch = await _boot(rig, "CP1", "SN-1")
    assert await _names(rig, CP1=epoch, CP2=thief) == {"CP1": ["CP1"], "CP2": ["CP2", "SN-1"]}
    assert (await _expect_serial(rig, "CP1", "SN-1")).expected_serial_number == "SN-1"
    assert await _names(rig, CP1=epoch, CP2=thief) == {"CP1": ["CP1", "SN-1"], "CP2": ["CP2"]}
    await _expect_serial(rig, "CP1", "")
    assert await _names(rig, CP1=await _boot(rig, "CP1", "SN-1")) == {"CP1": ["CP1"]}


async def test_a_part_that_was_exchanged_is_stated_by_an_operator(rig: Rig) -> None:
    await _boot(rig, "CP1", "SN-1")
    await _expect_serial(rig, "CP1", "SN-2")
    assert await _names(rig, CP1=await _boot(rig, "CP1", "SN-2")) == {"CP1": ["CP1", "SN-2"]}


async def test_serial_numbers_that_an_operator_cannot_state(rig: Rig) -> None:
    """Serial numbers that other stations have by an operator's word or as their identity; and texts that are none."""
    for station_id in ("CP1", "CP2"):
        await rig.system.create(station_id)
    await _expect_serial(rig, "CP1", "SN-1")
    await _expect_serial(rig, "CP1", "SN-1")
    for taken in ("SN-1", "CP1"):
        with fails_with("SERIAL_NUMBER_EXISTS"):
            await _expect_serial(rig, "CP2", taken)
    for text in ("*", "x" * 65, "\u00e4"):
        with fails_with("INVALID_FIELD"):
            await _expect_serial(rig, "CP2", text)
    assert (await rig.system.station("CP2")).expected_serial_number == ""


async def test_a_station_that_is_called_as_another_ones_serial_number_is_not_added(rig: Rig) -> None:
    """One by one, by a table, or by itself: that one's certificate would prove it. Another tenant may have it."""
    await rig.system.create("CP1")
    await _expect_serial(rig, "CP1", "SER-3")
    with fails_with("SERIAL_NUMBER_EXISTS"):
        await rig.system.create("SER-3")
    for validate_only in (True, False):
        table = ImportStationsRequest(csv="station_id\nSER-3\nSER-4\n", validate_only=validate_only)
        response = await rig.system.stations.ImportStations(table)
        assert [from_status(one.error).reason if one.HasField("error") else "" for one in response.stations] == [
            "SERIAL_NUMBER_EXISTS",
            "",
        ]
    [refused] = await rig.system.attempt(attempt("SER-3"))
    assert reason_of(refused) == "STATION_UNKNOWN"
    [opened] = await rig.system.attempt(attempt("SER-5"))
    assert reason_of(opened) == ""
    await _expect_serial(rig, "CP1", "SER-6")
    await rig.system.create("SER-3")


async def test_of_two_that_give_the_same_name_at_the_same_moment_one_is_refused(rig: Rig) -> None:
    """A serial number that is expected of one station, and the identity of another that is added."""
    await rig.system.create("CP1")
    for number in range(20):
        name = f"SER-{number}"
        outcomes = await asyncio.gather(
            _expect_serial(rig, "CP1", name), rig.system.create(name), return_exceptions=True
        )
        [refused] = [one for one in outcomes if isinstance(one, BaseException)]
        assert isinstance(refused, grpc.aio.AioRpcError)
        assert from_rpc_error(refused).reason == "SERIAL_NUMBER_EXISTS"


async def test_a_serial_number_that_an_operator_states_is_taken_from_a_station_that_reported_it(rig: Rig) -> None:
    """Both would be proved by one certificate. Without the operator's word nobody has it who was not the only one."""
    await _boot(rig, "ATT", "VICT-1")
    assert await _confirmed(rig, "ATT") == "VICT-1"
    await rig.system.create("VIC")
    await _expect_serial(rig, "VIC", "VICT-1")
    assert await _confirmed(rig, "ATT") == ""
    await _boot(rig, "ATT", "VICT-1")
    assert await _confirmed(rig, "ATT") == ""


async def test_a_former_serial_number_that_another_station_has_by_now_does_not_come_back(rig: Rig) -> None:
    await _boot(rig, "CP1", "SN-1")
    await _expect_serial(rig, "CP1", "SN-2")
    await _boot(rig, "CP1", "SN-2")
    await _boot(rig, "CP2", "SN-1")
    assert (await _confirmed(rig, "CP1"), await _confirmed(rig, "CP2")) == ("SN-1", "SN-1")
    await _expect_serial(rig, "CP1", "")
    assert (await _confirmed(rig, "CP1"), await _confirmed(rig, "CP2")) == ("", "SN-1")


async def test_stations_of_before_have_their_serial_number_confirmed_with_their_request(rig: Rig) -> None:
    """After an upgrade they have not booted yet; where two report the same, neither has it."""
    epochs = {name: await _boot(rig, name, serial) for name, serial in (("CP1", "SN-1"), ("CP2", "SN-2"), ("CP3", ""))}
    table = models.station
    await rig.system.database.write(
        lambda connection: connection.execute(sa.update(table).values(confirmed_serial_number=""))
    )
    same = sa.update(table).where(table.c.station_id == "CP3").values(serial_number="SN-2")
    await rig.system.database.write(lambda connection: connection.execute(same))
    assert await _names(rig, **epochs) == {"CP1": ["CP1", "SN-1"], "CP2": ["CP2"], "CP3": ["CP3"]}


# The rules alone


def _named(station_id: str, expected: str = "", confirmed: str = "", reported: str = "") -> NamedStation:
    return NamedStation(
        tenant_id="default",
        station_id=station_id,
        expected_serial_number=expected,
        confirmed_serial_number=confirmed,
        reported_serial_number=reported,
    )


def _holding(claim: Claim) -> NamedStation:
    """Another station that has the name S by such a claim."""
    return {
        Claim.NONE: _named("CP2", reported="T"),
        Claim.REPORTED: _named("CP2", reported="S"),
        Claim.CONFIRMED: _named("CP2", confirmed="S"),
        Claim.EXPECTED: _named("CP2", expected="S"),
        Claim.IDENTITY: _named("S"),
    }[claim]


@pytest.mark.parametrize(("own", "other"), list(product((Claim.CONFIRMED, Claim.EXPECTED), Claim)))
def test_of_two_claims_the_stronger_one_holds_and_of_equal_ones_none(own: Claim, other: Claim) -> None:
    mine = {Claim.CONFIRMED: _named("CP1", confirmed="S"), Claim.EXPECTED: _named("CP1", expected="S")}[own]
    assert mine.claim("S") is own
    assert _holding(other).claim("S") is other
    assert ("S" in names_of(mine, [_holding(other), mine])) == (own > other)


@pytest.mark.parametrize("other", Claim)
def test_a_report_is_confirmed_where_nobody_else_has_any_claim(other: Claim) -> None:
    assert can_be_confirmed(_named("CP1", reported="S"), [_holding(other)]) == (other is Claim.NONE)


@pytest.mark.parametrize(
    ("text", "is_name", "is_confirmed"),
    [
        ("SN-1", True, True),
        ("ABC.123", True, True),
        ("1.2.3.4", True, True),
        ("DE*ABC*E1", False, False),
        ("a.b.Com", True, False),
        ("host.example.", True, False),
        ("", False, False),
        (" ", True, True),
        ("x" * 64, True, True),
        ("x" * 65, False, False),
    ],
)
def test_texts_as_serial_numbers(text: str, *, is_name: bool, is_confirmed: bool) -> None:
    assert (is_serial_number(text), may_be_confirmed(text)) == (is_name, is_confirmed)
