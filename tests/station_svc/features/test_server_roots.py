"""The server's root: which stations hold it, a rollout that installs it, and its adoption."""

from typing import Any

import grpc
import pytest
from csms.station.v1 import certificate_pb2, site_pb2, site_service_pb2, station_pb2, station_service_pb2
from csms.station.v1 import rollout_service_pb2 as rollout_pb2
from csms.station.v1 import station_certificate_service_pb2 as pb
from csms.station.v1.site_service_pb2_grpc import SiteServiceStub
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceStub
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import Connection, insert

from mesh.runtime.times import to_datetime
from station_svc.features.certificates.models import installed_certificate
from station_svc.features.certificates.root_hashes import RootHashes, read_root
from tests import certificates
from tests.audited import contents, linked_entries
from tests.scoped_callers import WHOLE, limited_to
from tests.station_svc.conftest import StationSystem, attempt, fails_with, of_tenant
from tests.station_svc.rollouts.conftest import SUCCEEDED, Rig, rig  # noqa: F401 - a fixture
from tests.station_svc.tls_attempts import over_tls

CSMS = certificate_pb2.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE
MANUFACTURER = certificate_pb2.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE
REJECTED = station_pb2.REGISTRATION_STATUS_REJECTED
USE = certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE


def _roots(system: StationSystem) -> Any:
    return StationCertificateServiceStub(system.operators)


def _root(system: StationSystem, name: str = "New root") -> str:
    return certificates.authority(name, now=to_datetime(system.clock())).pem


def _hashes(system: StationSystem, root: str) -> list[RootHashes]:
    return list(read_root(root, "certificate", system.clock()).hashes)


async def _station(system: StationSystem, station_id: str, profile: int = 2) -> None:
    await system.create(station_id, security_profile=profile)


async def _report(system: StationSystem, station_id: str, named: RootHashes, *, kind: int = CSMS) -> None:
    """A station has reported a root, spelled as some stations do."""
    values = {
        "tenant_id": "default",
        "station_id": station_id,
        "certificate_type": kind,
        "hash_algorithm": named.hash_algorithm,
        "issuer_name_hash": named.issuer_name_hash.upper(),
        "issuer_key_hash": named.issuer_key_hash,
        "serial_number": f"00{named.serial_number.upper()}",
        "update_us": system.clock(),
    }

    def add(connection: Connection) -> None:
        connection.execute(insert(installed_certificate).values(values))

    await system.database.write(add)


async def _coverage(system: StationSystem, root: str, **more: Any) -> pb.ServerRootCoverage:
    response = await _roots(system).CheckServerRoot(pb.CheckServerRootRequest(certificate=root), **more)
    coverage: pb.ServerRootCoverage = response.coverage
    return coverage


async def test_stations_that_do_not_hold_a_root_are_named(system: StationSystem) -> None:
    """By any hash algorithm, in any spelling; a root of another use, or another root, does not count."""
    root = _root(system)
    hashes = _hashes(system, root)
    other = _hashes(system, _root(system, "Old root"))[0]
    for number in range(6):
        await _station(system, f"CP{number}")
    await _report(system, "CP0", hashes[0])
    await _report(system, "CP1", hashes[2])
    await _report(system, "CP2", other)
    await _report(system, "CP3", hashes[0], kind=MANUFACTURER)
    await _report(system, "CP4", hashes[0])
    await _report(system, "CP4", other)
    found = await _coverage(system, root)
    assert (found.station_count, found.holding_count, found.unreported_count) == (6, 3, 2)
    assert list(found.missing_station_ids) == ["CP2", "CP3", "CP5"]


async def test_only_stations_of_tls_are_counted(system: StationSystem) -> None:
    """By their profile, the next one, or their latest connection; those that are not accepted are left out."""
    root = _root(system)
    for station_id, profile in (("ONE", 1), ("TWO", 2), ("THREE", 3), ("REJECTED", 2)):
        await _station(system, station_id, profile)
    request = station_service_pb2.UpdateStationRequest(update_mask=FieldMask(paths=["registration_status"]))
    request.station.station_id, request.station.registration_status = "REJECTED", REJECTED
    await system.stations.UpdateStation(request)
    await system.attempt(over_tls("NONE"), attempt("PLAIN"))
    assert list((await _coverage(system, root)).missing_station_ids) == ["NONE", "THREE", "TWO"]


async def test_the_roots_are_listed_with_the_number_of_their_stations(system: StationSystem) -> None:
    new, old = (_hashes(system, _root(system, name))[0] for name in ("New", "Old"))
    for number, held in enumerate([(new,), (new, old), (old,), (old,)]):
        await _station(system, f"CP{number}")
        for one in held:
            await _report(system, f"CP{number}", one)
    await _report(system, "CP0", old, kind=MANUFACTURER)
    seen: dict[str, int] = {}
    request = pb.ListServerRootsRequest(page_size=1)
    for _ in range(2):
        response = await _roots(system).ListServerRoots(request)
        [one] = response.server_roots
        seen[one.certificate_hash_data.serial_number] = one.station_count
        request.page_token = response.next_page_token
    assert request.page_token == ""
    assert seen == {new.serial_number: 2, old.serial_number: 3}
    other = await _roots(system).ListServerRoots(pb.ListServerRootsRequest(), metadata=of_tenant("other"))
    assert list(other.server_roots) == []


async def test_a_root_is_adopted_where_enough_stations_hold_it(system: StationSystem) -> None:
    """Below the least part nothing is recorded; forced it is adopted, with the numbers in audit entry and event."""
    root = _root(system)
    for number in range(4):
        await _station(system, f"CP{number}")
    for number in range(3):
        await _report(system, f"CP{number}", _hashes(system, root)[0])
    adopt = _roots(system).AdoptServerRoot
    for least in (0, 76, 100):
        with fails_with("SERVER_ROOT_NOT_HELD") as caught:
            await adopt(pb.AdoptServerRootRequest(certificate=root, least_percent=least))
        assert caught[0].code is grpc.StatusCode.FAILED_PRECONDITION
        assert "3 of 4" in caught[0].message
    assert await system.events("server_root") == []
    found = (await adopt(pb.AdoptServerRootRequest(certificate=root, least_percent=75))).coverage
    assert (found.holding_count, list(found.missing_station_ids)) == (3, ["CP3"])
    system.clock.advance(1)
    await adopt(pb.AdoptServerRootRequest(certificate=root, force=True))
    adopted = [data for _kind, _station, data in await system.events("server_root.adopted")]
    assert [(one["stations"], one["holding"], one["subject"]) for one in adopted] == [(4, 3, "CN=New root")] * 2
    entries = [one for one in contents(await linked_entries(system.database, "station")) if one.outcome == "OK"]
    assert [one.resource for one in entries if one.resource_type == "server_root"] == [adopted[0]["fingerprint"]] * 2


@pytest.mark.parametrize("fault", ["nothing", "no root", "issued"])
async def test_what_is_no_root_is_refused(system: StationSystem, fault: str) -> None:
    now = to_datetime(system.clock())
    root = certificates.authority("Root", now=now)
    text = {
        "nothing": "",
        "no root": certificates.authority("Leaf", ca=False, now=now).pem,
        "issued": certificates.authority("Sub", issuer=root, now=now).pem,
    }[fault]
    with fails_with("INVALID_FIELD"):
        await _coverage(system, text)
    with fails_with("INVALID_FIELD"):
        await _roots(system).AdoptServerRoot(pb.AdoptServerRootRequest(certificate=text, force=True))


async def test_a_least_part_beyond_all_is_refused(system: StationSystem) -> None:
    for least in (-1, 101):
        with fails_with("INVALID_FIELD"):
            request = pb.AdoptServerRootRequest(certificate=_root(system), least_percent=least)
            await _roots(system).AdoptServerRoot(request)


async def test_a_caller_of_a_site_sees_its_stations_alone_and_adopts_nothing(system: StationSystem) -> None:
    root = _root(system)
    sites: Any = SiteServiceStub(system.operators)
    site = site_service_pb2.CreateSiteRequest(site=site_pb2.Site(site_id="berlin"))
    await sites.CreateSite(site, metadata=WHOLE)
    await system.create("IN", security_profile=2, site_id="berlin")
    await system.create("OUT", security_profile=2)
    for station_id in ("IN", "OUT"):
        await _report(system, station_id, _hashes(system, _root(system, station_id))[0])
    within = {"metadata": limited_to("berlin")}
    assert list((await _coverage(system, root, **within)).missing_station_ids) == ["IN"]
    listed = await _roots(system).ListServerRoots(pb.ListServerRootsRequest(), **within)
    assert [one.station_count for one in listed.server_roots] == [1]
    with fails_with("SCOPE_TOO_NARROW"):
        await _roots(system).AdoptServerRoot(pb.AdoptServerRootRequest(certificate=root, force=True), **within)


async def test_a_rollout_installs_it_at_those_that_do_not_hold_it(rig: Rig) -> None:  # noqa: F811
    """Stations that accept it hold it from then on; one that rejects it is still named. Another asks the stations."""
    system, root = rig.system, _root(rig.system)
    for station_id, status in (("YES", "Accepted"), ("NO", "Rejected")):
        station = await rig.add(station_id)
        station.answers["InstallCertificate"] = {"status": status}
        request = station_service_pb2.UpdateStationRequest(update_mask=FieldMask(paths=["security_profile"]))
        request.station.station_id, request.station.security_profile = station_id, 2
        await system.stations.UpdateStation(request)
    missing = (await _coverage(system, root)).missing_station_ids
    assert list(missing) == ["NO", "YES"]
    install = certificate_pb2.InstallCertificateRequest(certificate_type=USE, certificate=root)
    command = rollout_pb2.CommandRollout(install_certificate=install)
    await rig.stub.CreateRollout(rollout_pb2.CreateRolloutRequest(command=command, station_ids=missing))
    await rig.work()
    found = await _coverage(system, root)
    assert (found.holding_count, list(found.missing_station_ids)) == (1, ["NO"])
    named = _hashes(system, root)[1]
    rig.fleet["NO"].answers["GetInstalledCertificateIds"] = {
        "status": "Accepted",
        "certificateHashData": [
            {
                "hashAlgorithm": "SHA384",
                "issuerNameHash": named.issuer_name_hash,
                "issuerKeyHash": named.issuer_key_hash,
                "serialNumber": named.serial_number,
            }
        ],
    }
    asked = certificate_pb2.GetInstalledCertificateIdsRequest(certificate_types=[CSMS])
    command = rollout_pb2.CommandRollout(get_installed_certificate_ids=asked)
    ask = rollout_pb2.CreateRolloutRequest(command=command, station_ids=["NO"])
    rollout_id = (await rig.stub.CreateRollout(ask)).rollout.rollout_id
    await rig.work()
    assert await rig.states(rollout_id) == {"NO": SUCCEEDED}
    assert list((await _coverage(system, root)).missing_station_ids) == []
