"""Who comes in, which connection counts, and when a station is offline."""

import asyncio

import pytest
import sqlalchemy as sa
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2

from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StartSystem, StationSystem, attempt, fails_with, reason_of
from tests.waiting import until


async def test_lease_holds_for_the_time_that_is_set(system: StationSystem) -> None:
    """A gateway gets the duration of its lease."""
    assert await system.lease() == 10_000


async def test_lease_needs_a_node_and_an_address(system: StationSystem) -> None:
    """A lease for nobody is refused."""
    with fails_with("INVALID_FIELD"):
        await system.ingest.RenewNodeLease(ingest_pb2.RenewNodeLeaseRequest(node_id="x"))


async def test_a_station_that_connects_is_connected(system: StationSystem) -> None:
    """An accepted unknown station is registered, and seen as connected with what its gateway said."""
    [result] = await system.attempt(attempt("CP1"))
    assert (result.tenant_id, result.booted, result.superseded_epoch) == ("default", False, 0)
    assert result.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
    assert result.heartbeat_interval_s == 300
    station = await system.station("CP1")
    assert station.connected
    assert station.connection.epoch == result.epoch
    assert (station.connection.ocpp_version, station.connection.node_id) == ("1.6", "gateway-1")
    assert not station.connection.HasField("disconnect_time")
    assert [kind for kind, _station, _data in await system.events()] == ["station.created", "station.connected"]


async def test_ten_thousand_stations_connect_at_once(system: StationSystem) -> None:
    """After an outage all are let in, in batches, each with an epoch of its own."""
    ids = [f"CP{number:05}" for number in range(10_000)]
    batches = [ids[start : start + 256] for start in range(0, len(ids), 256)]
    answers = await asyncio.gather(*(system.attempt(*map(attempt, batch)) for batch in batches))
    results = [result for answer in answers for result in answer]
    assert not any(result.HasField("error") for result in results)
    assert len({result.epoch for result in results}) == len(ids)
    page = await system.stations.ListStations(station_service_pb2.ListStationsRequest(filter="connected = true"))
    assert page.stations[0].station_id == "CP00000"


async def test_a_newer_connection_takes_the_place_of_the_older(system: StationSystem) -> None:
    """The older socket is closed through its gateway, and its late close changes nothing but its own record."""
    first = await system.open("CP1")
    [second] = await system.attempt(attempt("CP1"))
    assert second.epoch > first
    assert second.superseded_epoch == first
    await until(lambda: system.gateway.closed == [("CP1", first, 1008)])
    await system.close("CP1", first)
    station = await system.station("CP1")
    assert station.connected
    assert station.connection.epoch == second.epoch
    assert await system.events("station.disconnected") == []


async def test_the_close_of_the_latest_connection_counts(system: StationSystem) -> None:
    """A station whose socket closed is offline; closing twice publishes one event."""
    epoch = await system.open("CP1")
    await system.close("CP1", epoch)
    await system.close("CP1", epoch)
    station = await system.station("CP1")
    assert not station.connected
    assert station.connection.HasField("disconnect_time")
    [(_kind, station_id, data)] = await system.events("station.disconnected")
    assert (station_id, data["epoch"], data["closeCode"]) == ("CP1", epoch, 1000)


async def test_a_close_under_another_name_changes_nothing(system: StationSystem) -> None:
    """The epoch of one station does not close it in the name of another."""
    epoch = await system.open("CP1")
    await system.open("CP2")
    await system.close("CP2", epoch)
    assert (await system.station("CP1")).connected
    assert (await system.station("CP2")).connected


def _opening(station_id: str, name: str) -> ingest_pb2.OpenConnectionItem:
    item = attempt(station_id)
    item.opening_id = name
    return item


async def _close_opening(system: StationSystem, *names: tuple[str, str]) -> None:
    items = [
        ingest_pb2.CloseConnectionItem(station_id=station_id, opening_id=name, close_code=1006)
        for station_id, name in names
    ]
    await system.ingest.CloseConnections(ingest_pb2.CloseConnectionsRequest(items=items))


async def test_a_handshake_is_opened_once(system: StationSystem) -> None:
    """However often it is asked for: no answer may have come before. Without a name each attempt opens a connection."""
    [first] = await system.attempt(_opening("CP1", "a"))
    assert await system.attempt(_opening("CP1", "a")) == [first]
    assert await system.count(models.station_connection) == 1
    assert len(await system.events("station.connected")) == 1
    results = await system.attempt(_opening("CP1", "a"), _opening("CP1", "b"), _opening("CP2", "c"))
    assert results[0] == first
    assert [one.superseded_epoch for one in results] == [0, first.epoch, 0]
    assert (await system.station("CP1")).connection.epoch == results[1].epoch
    assert await system.open("CP2") < await system.open("CP2")


async def test_a_handshake_without_an_answer_is_closed_by_its_name(system: StationSystem) -> None:
    """Its connection only, whether it is the latest or not; a name that is not known, or another's, changes nothing."""
    [old, new], [other] = (
        await system.attempt(_opening("CP1", "a"), _opening("CP1", "b")),
        await system.attempt(attempt("CP2")),
    )
    await _close_opening(system, ("CP2", "b"), ("CP1", "c"), ("CP1", ""), ("CP3", "d"), ("CP2", ""))
    assert (await system.station("CP1")).connected
    await _close_opening(system, ("CP1", "a"))
    assert await _open_epochs(system) == [new.epoch, other.epoch]
    assert (await system.station("CP1")).connected
    await _close_opening(system, ("CP1", "b"), ("CP1", "b"))
    await _close_opening(system, ("CP1", "b"))
    assert not (await system.station("CP1")).connected
    [(_kind, station_id, data)] = await system.events("station.disconnected")
    assert (station_id, data["epoch"], data["closeCode"]) == ("CP1", new.epoch, 1006)
    assert old.epoch < new.epoch
    # A late opening finds its connection closed, and opens none.
    [late] = await system.attempt(_opening("CP1", "b"))
    assert late.epoch == new.epoch
    assert not (await system.station("CP1")).connected


async def _open_epochs(system: StationSystem) -> list[int]:
    table = models.station_connection.c
    query = sa.select(table.epoch).where(table.disconnect_us.is_(None)).order_by(table.epoch)
    return list(await system.database.read(lambda connection: connection.execute(query).scalars().all()))


async def test_the_same_station_twice_in_one_batch(system: StationSystem) -> None:
    """The later one of the batch wins, and takes the place of the earlier."""
    first, second = await system.attempt(attempt("CP1"), attempt("CP1"))
    assert second.epoch > first.epoch
    assert second.superseded_epoch == first.epoch
    assert (await system.station("CP1")).connection.epoch == second.epoch
    await until(lambda: ("CP1", first.epoch, 1008) in system.gateway.closed)


async def test_racing_connections_leave_the_highest_epoch(system: StationSystem) -> None:
    """However many connections of one station race through two gateways, the one with the highest epoch counts."""
    await system.lease("gateway-2")
    answers = await asyncio.gather(
        *(system.attempt(attempt("CP1", node_id=f"gateway-{1 + number % 2}")) for number in range(20))
    )
    epochs = [answer[0].epoch for answer in answers]
    assert len(set(epochs)) == 20
    assert (await system.station("CP1")).connection.epoch == max(epochs)
    await until(lambda: len(set(system.gateway.closed)) == 19)
    assert {epoch for _station, epoch, _code in system.gateway.closed} == set(epochs) - {max(epochs)}


async def test_closing_is_tried_again(system: StationSystem) -> None:
    """A gateway that cannot close a socket just now is asked once more."""
    system.gateway.failing_closes = 1
    first = await system.open("CP1")
    await system.open("CP1")
    await until(lambda: system.gateway.closed == [("CP1", first, 1008)])


async def test_a_dead_gateways_stations_are_offline_within_15_s(system: StationSystem, clock: FakeClock) -> None:
    """They count as offline as soon as the lease has run out, and the event comes within 15 s."""
    epoch = await system.open("CP1")
    clock.advance(10.1)
    assert not (await system.station("CP1")).connected
    clock.advance(3.9)
    assert await system.housekeeper.close_lost() == 1
    [(_kind, station_id, data)] = await system.events("station.disconnected")
    assert (station_id, data["epoch"], data["closeCode"]) == ("CP1", epoch, 1006)
    station = await system.station("CP1")
    # It was lost when the lease ran out, not when that was noticed.
    assert station.connection.disconnect_time.ToMicroseconds() == clock() - 4_000_000
    assert await system.count(models.node) == 0


async def test_a_lost_gateway_with_many_stations_is_closed_in_parts(system: StationSystem, clock: FakeClock) -> None:
    """All are closed, whatever the size of a part."""
    for number in range(7):
        await system.open(f"CP{number}")
    await system.open("CP0")
    clock.advance(14)
    assert await system.housekeeper.close_lost() == 8
    # The connection that had lost its place before publishes nothing.
    assert len(await system.events("station.disconnected")) == 7
    assert await system.housekeeper.close_lost() == 0


async def test_a_renewed_lease_keeps_its_stations(system: StationSystem, clock: FakeClock) -> None:
    """A gateway that renews in time, or a moment late, keeps what it holds."""
    await system.open("CP1")
    clock.advance(9)
    await system.lease()
    clock.advance(9)
    assert (await system.station("CP1")).connected
    clock.advance(2)
    assert await system.housekeeper.close_lost() == 0
    await system.lease()
    assert (await system.station("CP1")).connected


async def test_a_gateway_without_a_lease_lets_nobody_in(system: StationSystem, clock: FakeClock) -> None:
    """Its stations would be offline at once; it has to try again, others in the batch are admitted."""
    unknown, known = await system.attempt(attempt("CP1", node_id="gateway-9"), attempt("CP2"))
    assert (reason_of(unknown), reason_of(known)) == ("NODE_LEASE_EXPIRED", "")
    clock.advance(11)
    [expired] = await system.attempt(attempt("CP3"))
    assert reason_of(expired) == "NODE_LEASE_EXPIRED"


async def test_no_socket_is_closed_at_a_dead_gateway(system: StationSystem, clock: FakeClock) -> None:
    """There is nobody to ask; the older connection is named as superseded all the same."""
    first = await system.open("CP1")
    clock.advance(11)
    await system.lease("gateway-2")
    [second] = await system.attempt(attempt("CP1", node_id="gateway-2"))
    assert second.superseded_epoch == first
    third = await system.open("CP1", "gateway-2")
    await until(lambda: system.gateway.closed)
    assert system.gateway.closed == [("CP1", second.epoch, 1008)]
    assert third > second.epoch


async def test_right_and_wrong_credentials(system: StationSystem) -> None:
    """The credential that was given out opens; another, none, or one under another name does not."""
    credential = (await system.create("CP1")).encode()
    assert len(credential) == 40
    results = await system.attempt(
        attempt("CP1", credential=credential),
        attempt("CP1", credential=credential, username="CP1"),
        attempt("CP1", credential=credential, username="CP2"),
        attempt("CP1", credential=b"x" + credential[1:]),
        attempt("CP1", credential=b""),
    )
    assert [reason_of(result) for result in results] == ["", "", *["WRONG_CREDENTIALS"] * 3]


async def test_both_forms_of_a_hexadecimal_credential_open(system: StationSystem) -> None:
    """Quirk 7: stations decode an AuthorizationKey before they send it, or do not, or write it in capitals."""
    credential = await system.create("CP1")
    forms = (credential.encode(), credential.upper().encode(), bytes.fromhex(credential))
    results = await system.attempt(*(attempt("CP1", credential=form) for form in forms))
    assert [reason_of(result) for result in results] == ["", "", ""]
    last = bytes.fromhex(credential)[-1]
    [wrong] = await system.attempt(attempt("CP1", credential=bytes.fromhex(credential)[:-1] + bytes([last ^ 1])))
    assert reason_of(wrong) == "WRONG_CREDENTIALS"


async def test_a_credential_is_kept_only_as_a_salted_digest(system: StationSystem) -> None:
    """Neither the credential nor the same digest for the same credential stands in the database."""
    credentials = [await system.create("CP1"), await system.create("CP2")]
    rows = await system.database.read(lambda connection: connection.execute(models.station.select()).all())
    assert len({row.credential_salt for row in rows}) == 2
    assert not any(credential in str(row) for row in rows for credential in credentials)


async def test_new_credentials_end_the_old_ones(system: StationSystem) -> None:
    """After a rotation the old ones fail, the new ones open, and the open socket is closed."""
    old = await system.create("CP1")
    [result] = await system.attempt(attempt("CP1", credential=old.encode()))
    request = station_service_pb2.RotateCredentialRequest(station_id="CP1")
    new = (await system.stations.RotateCredential(request)).credential
    await until(lambda: system.gateway.closed == [("CP1", result.epoch, 1008)])
    results = await system.attempt(attempt("CP1", credential=old.encode()), attempt("CP1", credential=new.encode()))
    assert [reason_of(one) for one in results] == ["WRONG_CREDENTIALS", ""]


async def test_credentials_for_a_station_that_came_in_without(system: StationSystem) -> None:
    """Made for a station that needed none, they are needed from then on."""
    await system.open("CP1")
    request = station_service_pb2.RotateCredentialRequest(station_id="CP1")
    new = (await system.stations.RotateCredential(request)).credential
    results = await system.attempt(attempt("CP1"), attempt("CP1", credential=new.encode()))
    assert [reason_of(one) for one in results] == ["WRONG_CREDENTIALS", ""]
    assert (await system.station("CP1")).security_profile == 1


async def test_onboarding_pending(start_system: StartSystem) -> None:
    """An unknown station is admitted, and is pending at its boot until an operator accepts it."""
    system = await start_system(onboarding="pending")
    await system.lease()
    [result] = await system.attempt(attempt("CP1"))
    pending = station_pb2.REGISTRATION_STATUS_PENDING
    assert (reason_of(result), result.registration_status) == ("", pending)
    [answer] = await system.boot(system.boot_item("CP1", result.epoch))
    assert answer.registration_status == pending
    assert 45 <= answer.interval_s <= 75
    update = station_service_pb2.UpdateStationRequest(
        station=station_pb2.Station(station_id="CP1", registration_status=station_pb2.REGISTRATION_STATUS_ACCEPTED)
    )
    await system.stations.UpdateStation(update)
    [again] = await system.attempt(attempt("CP1"))
    # Accepted meanwhile, but not at its last boot: it has to boot first.
    assert not again.booted
    [answer] = await system.boot(system.boot_item("CP1", again.epoch))
    assert (answer.registration_status, answer.interval_s) == (station_pb2.REGISTRATION_STATUS_ACCEPTED, 300)


async def test_onboarding_reject(start_system: StartSystem) -> None:
    """An unknown station is refused and leaves no trace; a registered one is admitted."""
    system = await start_system(onboarding="reject")
    await system.lease()
    credential = await system.create("CP1")
    results = await system.attempt(attempt("CP2"), attempt("CP1", credential=credential.encode()))
    assert [reason_of(result) for result in results] == ["STATION_UNKNOWN", ""]
    assert await system.count(models.station) == 1


@pytest.mark.parametrize("name", ["", "CP\0", "CP\n1", "x" * 256])
async def test_impossible_names_are_turned_away(system: StationSystem, name: str) -> None:
    """Even where all stations are accepted; a neighbour in the batch comes in."""
    bad, good = await system.attempt(attempt(name), attempt("CP2"))
    assert (reason_of(bad), reason_of(good)) == ("STATION_UNKNOWN", "")


@pytest.mark.parametrize("name", [".", "..", "CP:reset", "00:1a:requestStart"])
async def test_names_of_no_station_are_turned_away(system: StationSystem, name: str) -> None:
    """A REST path could not name it; a neighbour in the batch, with a MAC address for its name, comes in."""
    bad, good = await system.attempt(attempt(name), attempt("00:1A:2b:3c:de:ff"))
    assert (reason_of(bad), reason_of(good)) == ("INVALID_STATION_ID", "")
    assert await system.count(models.station) == 1


async def test_a_station_with_an_old_name_comes_in(system: StationSystem) -> None:
    """One that was added before the rule about names was made."""
    await system.open("CP1")
    rename = sa.update(models.station).values(station_id="SITE:north")
    await system.database.write(lambda connection: connection.execute(rename))
    assert await system.open("SITE:north")


async def test_a_booted_station_goes_on_as_booted(system: StationSystem) -> None:
    """Quirk 8: accepted at its last boot, it need not boot again; rejected since, it has to."""
    await system.boot(system.boot_item("CP1", await system.open("CP1")))
    [result] = await system.attempt(attempt("CP1"))
    assert result.booted
    await system.stations.UpdateStation(
        station_service_pb2.UpdateStationRequest(
            station=station_pb2.Station(station_id="CP1", registration_status=station_pb2.REGISTRATION_STATUS_REJECTED)
        )
    )
    [result] = await system.attempt(attempt("CP1"))
    assert (reason_of(result), result.booted) == ("", False)


async def test_epochs_go_on_after_old_connections_are_removed(system: StationSystem, clock: FakeClock) -> None:
    """An epoch is never given twice, though the rows of old ones are gone."""
    epochs = [await system.open("CP1") for _ in range(3)]
    await system.close("CP1", epochs[0])
    await system.close("CP1", epochs[1])
    await system.close("CP1", epochs[2])
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    clock.advance(31 * 24 * 3600)
    await system.retention.remove_old()
    assert await system.count(models.station_connection) == 0
    await system.lease()
    assert await system.open("CP1") > epochs[2]
