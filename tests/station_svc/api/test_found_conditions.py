"""Conditions of stations, as notification_svc is given them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from csms.condition.v1 import condition_pb2
from csms.condition.v1.condition_source_service_pb2 import SearchedKind
from csms.station.v1 import site_pb2, site_service_pb2, station_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.site_service_pb2_grpc import SiteServiceStub
from csms.station.v1.station_service_pb2 import UpdateStationRequest

from mesh.runtime.times import to_timestamp
from station_svc.features.credentials.failures import CredentialFailures
from tests.found_conditions import Finder, details_of, finder_of, remedies_of
from tests.scoped_callers import WHOLE
from tests.station_svc.conftest import AVAILABLE, StartSystem, StationSystem, attempt

FAULTED = station_pb2.CONNECTOR_STATUS_FAULTED
UNRESPONSIVE = station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE
CLOCK_SKEW = station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW
BOOT_REFUSED = station_pb2.STATION_CONDITION_TYPE_BOOT_REFUSED
DAY_S = 86_400


@pytest.fixture
async def finder(system: StationSystem) -> AsyncIterator[Finder]:
    """The conditions of the running service."""
    async with finder_of(system.mesh_address, "station") as found:
        yield found


async def _report(system: StationSystem, station_id: str, kind: Any, size: int, reason: str = "") -> None:
    report = ingest_pb2.ConditionReport(type=kind, size=size, report_time=to_timestamp(system.clock()), reason=reason)
    item = ingest_pb2.Sighting(tenant_id="default", station_id=station_id, conditions=[report])
    await system.ingest.RecordSightings(ingest_pb2.RecordSightingsRequest(items=[item]))


async def _accept(system: StationSystem, station_id: str, status: Any) -> None:
    station = station_pb2.Station(station_id=station_id, registration_status=status)
    await system.stations.UpdateStation(UpdateStationRequest(station=station))


async def test_a_station_is_offline_after_five_minutes(system: StationSystem, finder: Finder) -> None:
    """Since its connection was closed, with the code; not one that was never connected, nor one that has come back."""
    await system.create("NEVER")
    epoch = await system.open("CP1")
    await system.open("CP2")
    system.clock.advance(10)
    closed_us = system.clock()
    await system.close("CP1", epoch)
    system.clock.advance(300)
    assert await finder.find() == []
    system.clock.advance(1)
    [found] = await finder.find()
    assert (found.station_id, found.reason, found.severity) == ("CP1", "CLOSE_CODE_1000", 3)
    assert found.begin_time.ToMicroseconds() == closed_us
    assert details_of(found)["closeCode"] == 1000
    assert remedies_of(found) == []
    await system.lease()
    await system.open("CP1")
    assert await finder.find() == []


async def test_how_long_is_a_setting(start_system: StartSystem) -> None:
    system = await start_system(offline_after_s=60)
    await system.lease()
    await system.close("CP1", await system.open("CP1"))
    async with finder_of(system.mesh_address, "station") as finder:
        system.clock.advance(61)
        assert await finder.kinds() == ["STATION_OFFLINE"]


async def test_a_station_that_is_not_accepted_is_not_missed(system: StationSystem, finder: Finder) -> None:
    await system.close("CP1", await system.open("CP1"))
    await _accept(system, "CP1", station_pb2.REGISTRATION_STATUS_REJECTED)
    system.clock.advance(3600)
    assert await finder.find() == []


async def test_an_offline_station_that_is_not_let_in(system: StationSystem, finder: Finder) -> None:
    """It tries, with a wrong credential: then another one helps."""
    credential = await system.create("CP1")
    [result] = await system.attempt(attempt("CP1", credential=credential.encode()))
    await system.close("CP1", result.epoch)
    system.clock.advance(600)
    await system.lease()
    await system.attempt(attempt("CP1", credential=b"wrong"), attempt("CP1", credential=b"wrong"))
    await _failures(system).flush()
    offline, refused = await finder.find()
    assert (offline.reason, refused.reason) == ("HANDSHAKE_REFUSED", "HANDSHAKE_REFUSED")
    assert (refused.kind, refused.count) == (condition_pb2.CONDITION_KIND_CREDENTIAL_REFUSED, 2)
    assert remedies_of(offline) == remedies_of(refused) == [("RotateCredential", {"stationId": "CP1"})]
    assert details_of(refused)["remoteAddress"] == "127.0.0.1"


async def test_refused_credentials_are_counted_by_runs(system: StationSystem, finder: Finder) -> None:
    """A run begins with the first handshake after a day without one, and ends a day after the last."""
    await system.create("CP1")

    async def fail() -> None:
        await system.lease()
        await system.attempt(attempt("CP1", credential=b"wrong"))
        await _failures(system).flush()

    await fail()
    first_us = system.clock()
    system.clock.advance(DAY_S - 10)
    await fail()
    [found] = await finder.find()
    assert (found.begin_time.ToMicroseconds(), found.count) == (first_us, 2)
    assert found.last_time.ToMicroseconds() == system.clock()
    system.clock.advance(DAY_S)
    assert await finder.find() == []
    await fail()
    [again] = await finder.find()
    assert (again.begin_time.ToMicroseconds(), again.count) == (system.clock(), 1)
    assert again.condition_id == found.condition_id
    assert (await system.station("CP1")).credential_failures.count == 3


async def test_a_faulted_connector(system: StationSystem, finder: Finder) -> None:
    """Since the status changed, however often it was repeated; gone with the next other status."""
    epoch = await system.open("CP1")
    await system.report(system.status_item("CP1", epoch))
    system.clock.advance(60)
    began_us = system.clock()
    fault = {"status": FAULTED, "word": "Faulted", "error_code": "GroundFailure", "info": "relay", "evse_id": 2}
    await system.report(system.status_item("CP1", epoch, **fault))  # type: ignore[arg-type]
    system.clock.advance(60)
    await system.report(system.status_item("CP1", epoch, **fault))  # type: ignore[arg-type]
    [found] = await finder.find()
    assert (found.evse.evse_id, found.evse.connector_id, found.reason) == (2, 1, "GroundFailure")
    assert (found.begin_time.ToMicroseconds(), found.last_time.ToMicroseconds()) == (began_us, system.clock())
    assert (details_of(found)["errorCode"], details_of(found)["info"]) == ("GroundFailure", "relay")
    assert [method for method, _request in remedies_of(found)] == ["Reset", "TriggerMessage", "ChangeAvailability"]
    assert remedies_of(found)[1][1]["evse"] == {"evseId": 2, "connectorId": 1}
    await system.report(system.status_item("CP1", epoch, evse_id=2, status=AVAILABLE))
    assert await finder.find() == []


async def test_a_station_that_waits_to_be_accepted(system: StationSystem, finder: Finder) -> None:
    epoch = await system.open("CP1")
    await system.boot(system.boot_item("CP1", epoch))
    await _accept(system, "CP1", station_pb2.REGISTRATION_STATUS_PENDING)
    [found] = await finder.find()
    assert (found.kind, found.reason) == (condition_pb2.CONDITION_KIND_STATION_PENDING, "PENDING")
    assert details_of(found) == {"vendorName": "ACME", "model": "One"}
    accept = remedies_of(found)[0]
    station = {"stationId": "CP1", "registrationStatus": "REGISTRATION_STATUS_ACCEPTED"}
    assert accept == ("UpdateStation", {"station": station, "updateMask": "registrationStatus"})
    await _accept(system, "CP1", station_pb2.REGISTRATION_STATUS_ACCEPTED)
    assert await finder.find() == []


async def test_what_gateways_report(system: StationSystem, finder: Finder) -> None:
    """Refused boots, silence and a wrong clock, the worst first; each ends with its report."""
    await system.open("CP1")
    began_us = system.clock()
    await _report(system, "CP1", CLOCK_SKEW, -3600)
    await _report(system, "CP1", UNRESPONSIVE, 3)
    await _report(system, "CP1", BOOT_REFUSED, 2, "FormationViolation: no vendor")
    boot, silence, clock = await finder.find()
    assert (boot.reason, boot.count, details_of(boot)) == (
        "BOOT_ERROR",
        2,
        {"message": "FormationViolation: no vendor"},
    )
    assert (silence.reason, silence.count, remedies_of(silence)) == (
        "UNANSWERED_CALLS",
        3,
        [("CloseConnection", {"stationId": "CP1"})],
    )
    assert (clock.reason, clock.count, details_of(clock)) == ("CLOCK_BEHIND", 1, {"clockSkewS": -3600})
    assert [one.severity for one in (boot, silence, clock)] == [3, 2, 1]
    assert boot.begin_time.ToMicroseconds() == began_us
    await _accept(system, "CP1", station_pb2.REGISTRATION_STATUS_REJECTED)
    assert (await finder.find())[0].reason == "REGISTRATION_REJECTED"
    system.clock.advance(1)
    for kind in (CLOCK_SKEW, UNRESPONSIVE, BOOT_REFUSED):
        await _report(system, "CP1", kind, 0)
    assert await finder.find() == []


async def test_an_offline_station_is_not_silent(system: StationSystem, finder: Finder) -> None:
    epoch = await system.open("CP1")
    await _report(system, "CP1", UNRESPONSIVE, 3)
    await system.close("CP1", epoch)
    assert await finder.find() == []


async def test_pages_have_each_condition_once(system: StationSystem, finder: Finder) -> None:
    """In one order over all kinds, also where several began at the same time; and counts are of all of them."""
    for number in range(7):
        station_id = f"CP{number % 4}{number}"
        epoch = await system.open(station_id)
        if number % 2:
            await _report(system, station_id, BOOT_REFUSED, 1, "x")
            await _report(system, station_id, CLOCK_SKEW, 600)
        for evse_id in (1, 2):
            await system.report(system.status_item(station_id, epoch, evse_id=evse_id, status=FAULTED))
        if number == 3:
            system.clock.advance(1)
    every = await finder.find()
    assert len({one.condition_id for one in every}) == len(every) == 14 + 3 + 3
    assert [(-one.severity, one.begin_time.ToMicroseconds()) for one in every] == sorted(
        (-one.severity, one.begin_time.ToMicroseconds()) for one in every
    )
    for limit in (1, 3, 19):
        assert await finder.pages(limit) == every
    assert await finder.count() == {"CONNECTOR_FAULTED": 14, "BOOT_REFUSED": 3, "CLOCK_SKEWED": 3}
    named = [every[0], every[5], every[-1]]
    assert await finder.find(condition_ids=[one.condition_id for one in named]) == named
    assert await finder.find(condition_ids=["nonsense"]) == []
    assert {one.station_id for one in await finder.find(station_id="CP22")} == {"CP22"}


async def test_tenant_scope_and_filter(system: StationSystem, finder: Finder) -> None:
    sites = SiteServiceStub(system.operators)
    for site_id in ("berlin", "bonn"):
        site = site_pb2.Site(site_id=site_id)
        await sites.CreateSite(site_service_pb2.CreateSiteRequest(site=site), metadata=WHOLE)
    for station_id, site_id in (("CP1", "berlin"), ("CP2", "bonn"), ("CP3", "")):
        await system.create(station_id, site_id=site_id, security_profile=0, labels={"of": station_id.lower()})
        epoch = await system.open(station_id)
        await system.report(system.status_item(station_id, epoch, status=FAULTED))

    async def stations(**more: Any) -> list[str]:
        return sorted(one.station_id for one in await finder.find(**more))

    kind = condition_pb2.CONDITION_KIND_CONNECTOR_FAULTED
    in_bonn = [SearchedKind(kind=kind, site_ids=["bonn"])]
    assert await stations() == ["CP1", "CP2", "CP3"]
    assert await stations(tenant="other") == []
    assert await stations(kinds=in_bonn) == ["CP2"]
    assert await finder.count(kinds=in_bonn) == {"CONNECTOR_FAULTED": 1}
    assert await stations(kinds=[SearchedKind(kind=kind)]) == []
    assert await stations(filter="NOT site:berlin") == ["CP2", "CP3"]
    assert await stations(filter='labels.of:cp1 OR station_id = "CP3"') == ["CP1", "CP3"]
    assert await stations(kinds=in_bonn, filter="site:berlin") == []


def _failures(system: StationSystem) -> CredentialFailures:
    return next(
        owner for run in system.parts.background if isinstance(owner := getattr(run, "__self__", 0), CredentialFailures)
    )
