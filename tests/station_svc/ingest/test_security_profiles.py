"""Stations that connect by their security profile, and those that have less: A00 of 2.0.1, 1.6 security whitepaper."""

import grpc
import pytest
from csms.condition.v1 import condition_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import from_status
from station_svc.features.certificates.models import certificate_request
from station_svc.features.credentials.failures import CredentialFailures
from tests.found_conditions import details_of, finder_of, remedies_of
from tests.station_svc.conftest import StationSystem, attempt, reason_of
from tests.station_svc.tls_attempts import (
    DAY_US,
    SUITE,
    VERSION,
    behind_terminator,
    by_certificate,
    by_faulty_certificate,
    over_tls,
    sign_for,
)
from tests.waiting import until

TOO_LOW, WRONG_SUBJECT = "SECURITY_PROFILE_TOO_LOW", "CLIENT_CERTIFICATE_SUBJECT_WRONG"
UNTRUSTED = "CLIENT_CERTIFICATE_UNTRUSTED"


async def _reason(system: StationSystem, item: ingest_pb2.OpenConnectionItem) -> str:
    [result] = await system.attempt(item)
    if result.HasField("error"):
        assert from_status(result.error).code is grpc.StatusCode.UNAUTHENTICATED
    return reason_of(result)


def _shown(
    system: StationSystem, common_name: str, *, issue_us: int | None = None, station_id: str = "CP1"
) -> ingest_pb2.OpenConnectionItem:
    return by_certificate(station_id, common_name, expire_us=system.clock() + DAY_US, issue_us=issue_us)


async def _with_serial(system: StationSystem, profile: int, *, serial: str = "SN-1", box: str = "") -> bytes:
    """A station of a profile that has reported a serial number; its credential."""
    credential = (await system.create("CP1")).encode()
    [result] = await system.attempt(attempt("CP1", credential=credential))
    item = system.boot_item("CP1", result.epoch, serial_number=serial, charge_box_serial_number=box)
    await system.boot(item)
    await _set_profile(system, profile)
    return credential


async def _expect(system: StationSystem, serial_number: str) -> None:
    """An operator states the station's serial number."""
    request = station_service_pb2.UpdateStationRequest(update_mask=FieldMask(paths=["expected_serial_number"]))
    request.station.station_id, request.station.expected_serial_number = "CP1", serial_number
    await system.stations.UpdateStation(request)


async def _set_profile(system: StationSystem, profile: int) -> station_pb2.Station:
    request = station_service_pb2.UpdateStationRequest(update_mask=FieldMask(paths=["security_profile"]))
    request.station.station_id, request.station.security_profile = "CP1", profile
    return (await system.stations.UpdateStation(request)).station


async def test_a_station_of_profile_2_needs_tls(system: StationSystem) -> None:
    """The right password over ws:// is refused with a text that names what is needed; over wss:// it is enough."""
    credential = (await system.create("CP1", security_profile=2)).encode()
    [refused] = await system.attempt(attempt("CP1", credential=credential))
    error = from_status(refused.error)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAUTHENTICATED, TOO_LOW)
    assert "security profile 2" in error.message
    assert "wss://" in error.message
    assert await _reason(system, over_tls("CP1", credential=b"wrong")) == "WRONG_CREDENTIALS"
    assert await _reason(system, over_tls("CP1", credential=credential)) == ""
    connection = (await system.station("CP1")).connection
    assert (connection.tls.version, connection.tls.cipher_suite) == (VERSION, SUITE)
    assert not connection.tls.ends_in_front
    assert not connection.tls.HasField("client_certificate")


async def test_a_terminator_in_front_is_enough_for_profile_2_and_not_for_3(system: StationSystem) -> None:
    credential = (await system.create("CP1", security_profile=2)).encode()
    assert await _reason(system, behind_terminator("CP1", credential=credential)) == ""
    tls = (await system.station("CP1")).connection.tls
    assert (tls.ends_in_front, tls.version) == (True, "")
    await _set_profile(system, 3)
    assert await _reason(system, behind_terminator("CP1", credential=credential)) == TOO_LOW


async def test_profiles_0_and_1_connect_as_before(system: StationSystem) -> None:
    """With TLS or without it, whatever certificate they show."""
    await system.create("CP1", security_profile=0)
    other = _shown(system, "another station")
    for item in (attempt("CP1"), over_tls("CP1"), other):
        assert await _reason(system, item) == ""
    await system.stations.RotateCredential(station_service_pb2.RotateCredentialRequest(station_id="CP1"))
    assert (await system.station("CP1")).security_profile == 1
    assert await _reason(system, other) == "WRONG_CREDENTIALS"
    assert await _reason(system, attempt("CP1")) == "WRONG_CREDENTIALS"


async def test_a_station_of_profile_3_needs_a_certificate_and_no_password(system: StationSystem) -> None:
    """The password alone is refused, over TLS too; with the certificate a wrong one does not matter."""
    credential = await _with_serial(system, 3)
    for item in (attempt("CP1", credential=credential), over_tls("CP1", credential=credential)):
        assert await _reason(system, item) == TOO_LOW
    assert await _reason(system, _shown(system, "SN-1")) == ""
    wrong = _shown(system, "SN-1")
    wrong.credential = b"wrong"
    assert await _reason(system, wrong) == ""
    shown = (await system.station("CP1")).connection.tls.client_certificate
    assert (shown.common_name, shown.serial_number, shown.fingerprint) == ("SN-1", "AB12", "f" * 64)
    assert (shown.issuer, shown.expire_time.ToMicroseconds()) == ("CN=Root", system.clock() + DAY_US)


@pytest.mark.parametrize("common_name", ["SN-2", "sn-1", "SN-1 ", "", "CP2"])
async def test_a_certificate_of_another_station_is_refused(system: StationSystem, common_name: str) -> None:
    """A00.FR.405: its common name is the serial number of another, or none."""
    await _with_serial(system, 3)
    assert await _reason(system, _shown(system, common_name)) == WRONG_SUBJECT


async def test_a_certificate_without_a_common_name_is_refused_with_that_fault(system: StationSystem) -> None:
    """auth_svc gives none for a certificate that has several."""
    await _with_serial(system, 3)
    [result] = await system.attempt(_shown(system, ""))
    assert "no common name, or several" in from_status(result.error).message


async def test_the_serial_number_of_the_charge_box_names_a_station_that_has_no_other(system: StationSystem) -> None:
    """1.6 has two serial numbers; the deprecated one counts where it is alone, as it does for our own authority."""
    await _with_serial(system, 3, serial="", box="BOX-1")
    assert await _reason(system, _shown(system, "BOX-1")) == ""
    [result] = await system.attempt(_shown(system, "BOX-1"))
    [boot] = await system.boot(system.boot_item("CP1", result.epoch, charge_box_serial_number="BOX-1"))
    assert reason_of(boot) == ""


async def test_a_serial_number_that_was_reported_without_proof_names_nobody(system: StationSystem) -> None:
    """Anybody can connect as a station of profile 0, and report a serial number that their own certificate has."""
    await system.create("CP1", security_profile=0)
    [result] = await system.attempt(attempt("CP1"))
    await system.boot(system.boot_item("CP1", result.epoch, serial_number="STRANGER"))
    await _set_profile(system, 3)
    assert await _reason(system, _shown(system, "STRANGER")) == WRONG_SUBJECT
    assert await _reason(system, _shown(system, "CP1")) == ""


async def test_the_serial_number_by_an_operators_word_is_the_known_one(system: StationSystem) -> None:
    """A new station with its manufacturer's certificate comes in by it; it replaces the one of a former board."""
    await system.create("CP1", security_profile=3)
    assert await _reason(system, _shown(system, "SN-7")) == WRONG_SUBJECT
    await _expect(system, "SN-7")
    [result] = await system.attempt(_shown(system, "SN-7"))
    [boot] = await system.boot(system.boot_item("CP1", result.epoch, serial_number="SN-7"))
    assert (reason_of(result), reason_of(boot)) == ("", "")
    assert await _reason(system, _shown(system, "CP1")) == WRONG_SUBJECT
    await _expect(system, "SN-8")
    assert await _reason(system, _shown(system, "SN-7")) == WRONG_SUBJECT
    [result] = await system.attempt(_shown(system, "SN-8"))
    assert reason_of(result) == ""
    [boot] = await system.boot(system.boot_item("CP1", result.epoch, serial_number="SN-7"))
    assert reason_of(boot) == "SERIAL_NUMBER_WRONG"


async def test_the_identity_names_a_station_whose_serial_number_is_not_known(system: StationSystem) -> None:
    await system.create("CP1", security_profile=3)
    assert await _reason(system, _shown(system, "SN-1")) == WRONG_SUBJECT
    assert await _reason(system, _shown(system, "CP1")) == ""


async def test_the_identity_is_enough_in_a_certificate_that_was_signed_here(system: StationSystem) -> None:
    """Another authority knows no identities: there CP1 may be the serial number of another station."""
    await _with_serial(system, 3)
    assert await _reason(system, _shown(system, "CP1")) == WRONG_SUBJECT
    assert await _reason(system, _shown(system, "CP1", issue_us=system.clock())) == ""


async def test_a_certificate_from_elsewhere_with_the_serial_number_of_one_of_ours_is_not_ours(
    system: StationSystem,
) -> None:
    """Another authority chooses the serial numbers of its certificates: auth_svc knows its own by fingerprints."""
    await _with_serial(system, 3)
    await sign_for(system, "CP1", serial_number="AB12")
    outside = _shown(system, "CP1")
    assert outside.tls.client_certificate.serial_number == "AB12"
    assert await _reason(system, outside) == WRONG_SUBJECT


async def test_a_station_of_profile_3_is_added_without_a_password(system: StationSystem) -> None:
    """Its certificate is its credential: operators do not see it as one that anybody may connect as."""
    assert await system.create("CP1", security_profile=3) == ""
    station = await system.station("CP1")
    assert station.credential_state == station_pb2.CREDENTIAL_STATE_HELD
    assert await system.create("CP2", security_profile=2) != ""


async def test_refused_handshakes_are_counted_with_their_reason(system: StationSystem) -> None:
    """A station that has less than its profile is seen by operators, as one with a wrong password is."""
    credential = await _with_serial(system, 3)
    await system.attempt(over_tls("CP1", credential=credential), _shown(system, "SN-2"))
    await _failures(system).flush()
    failures = (await system.station("CP1")).credential_failures
    assert (failures.count, failures.last_reason) == (2, WRONG_SUBJECT)
    [(_kind, _station, data)] = await system.events("station.credential_failed")
    assert (data["count"], data["reason"]) == (2, WRONG_SUBJECT)


@pytest.mark.parametrize("profile", [1, 2, 3])
async def test_a_certificate_with_a_fault_is_refused_and_counted(system: StationSystem, profile: int) -> None:
    """A station of any profile, with its right password too: the fault is its reason, and a condition."""
    credential = await _with_serial(system, profile)
    faulty = by_faulty_certificate("CP1", Reason.CLIENT_CERTIFICATE_REVOKED, credential=credential)
    before = (await system.station("CP1")).connection.epoch
    assert await _reason(system, faulty) == "CLIENT_CERTIFICATE_REVOKED"
    await _failures(system).flush()
    station = await system.station("CP1")
    assert (station.credential_failures.count, station.connection.epoch) == (1, before)
    assert station.credential_failures.last_reason == "CLIENT_CERTIFICATE_REVOKED"
    [(_kind, _station, data)] = await system.events("station.credential_failed")
    assert (data["count"], data["reason"]) == (1, "CLIENT_CERTIFICATE_REVOKED")
    async with finder_of(system.mesh_address, "station") as finder:
        found = await finder.find()
    [refused] = [one for one in found if one.kind == condition_pb2.CONDITION_KIND_CREDENTIAL_REFUSED]
    assert details_of(refused)["refusalReason"] == "CLIENT_CERTIFICATE_REVOKED"
    assert remedies_of(refused) == []  # a new password would not help


async def test_a_certificate_with_a_fault_registers_nobody(system: StationSystem) -> None:
    """Where unknown stations are accepted, too; one that comes without it beside it is."""
    faulty = by_faulty_certificate("NEW", Reason.CLIENT_CERTIFICATE_EXPIRED)
    [refused] = await system.attempt(faulty)
    assert reason_of(refused) == "STATION_UNKNOWN"
    results = await system.attempt(faulty, over_tls("NEW"))
    assert [reason_of(one) for one in results] == ["CLIENT_CERTIFICATE_EXPIRED", ""]


def _failures(system: StationSystem) -> CredentialFailures:
    owners = (getattr(run, "__self__", None) for run in system.parts.background)
    return next(owner for owner in owners if isinstance(owner, CredentialFailures))


# Boots against the certificate of their connection


async def _connected(system: StationSystem, common_name: str = "SN-1") -> int:
    [result] = await system.attempt(_shown(system, common_name))
    assert reason_of(result) == ""
    return result.epoch


async def test_a_boot_of_another_serial_number_closes_the_socket(system: StationSystem) -> None:
    """B01.FR.11, .12: nothing of it is recorded, and it is published; the next boot with the right one is accepted."""
    await _with_serial(system, 3)
    epoch = await _connected(system)
    wrong = system.boot_item("CP1", epoch, serial_number="SN-2", model="Stolen")
    [result] = await system.boot(wrong)
    error = from_status(result.error)
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SERIAL_NUMBER_WRONG")
    await until(lambda: ("CP1", epoch, 1008) in system.gateway.closed)
    identity = (await system.station("CP1")).identity
    assert (identity.serial_number, identity.model) == ("SN-1", "One")
    [(_kind, station_id, data)] = await system.events("station.serial_number_wrong")
    assert (station_id, data) == ("CP1", {"serialNumber": "SN-2", "commonName": "SN-1"})
    epoch = await _connected(system)
    [right] = await system.boot(system.boot_item("CP1", epoch, serial_number="SN-1"))
    assert right.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED


async def test_a_wrong_boot_leaves_the_others_of_its_batch(system: StationSystem) -> None:
    await _with_serial(system, 3)
    epoch = await _connected(system)
    other = await system.open("CP2")
    results = await system.boot(
        system.boot_item("CP2", other, serial_number="SN-2"),
        system.boot_item("CP1", epoch, serial_number="SN-2"),
        system.boot_item("CP2", other, serial_number="SN-3"),
    )
    assert [reason_of(one) for one in results] == ["", "SERIAL_NUMBER_WRONG", ""]
    assert (await system.station("CP2")).identity.serial_number == "SN-3"


async def test_a_boot_without_a_serial_number_has_that_of_its_certificate(system: StationSystem) -> None:
    """Without it the identity would name the station afterwards, and its own certificate would be refused."""
    await _with_serial(system, 3)
    epoch = await _connected(system)
    [result] = await system.boot(system.boot_item("CP1", epoch))
    assert reason_of(result) == ""
    assert (await system.station("CP1")).identity.serial_number == "SN-1"
    assert await _reason(system, _shown(system, "SN-1")) == ""


async def test_a_certificate_signed_here_for_the_identity_allows_any_serial_number(system: StationSystem) -> None:
    """Until an operator states one."""
    await system.create("CP1", security_profile=3)
    ours = _shown(system, "CP1", issue_us=system.clock())
    for serial_number in ("SN-1", "SN-2"):
        [opened] = await system.attempt(ours)
        [result] = await system.boot(system.boot_item("CP1", opened.epoch, serial_number=serial_number))
        assert reason_of(result) == ""
    await _expect(system, "SN-1")
    ours = _shown(system, "CP1", issue_us=system.clock())
    for serial_number, reason in (("SN-2", "SERIAL_NUMBER_WRONG"), ("SN-1", ""), ("", "")):
        [opened] = await system.attempt(ours)
        [result] = await system.boot(system.boot_item("CP1", opened.epoch, serial_number=serial_number))
        assert reason_of(result) == reason


async def test_an_identity_signed_for_the_former_board_does_not_prove_the_new_one(system: StationSystem) -> None:
    """Neither at the next handshake nor at a boot of a socket that is open; one that is signed afterwards does."""
    await _with_serial(system, 3, serial="OLD-1")
    former = system.clock()
    [opened] = await system.attempt(_shown(system, "CP1", issue_us=former))
    system.clock.advance(1)
    await _expect(system, "OLD-1")  # the one that it has: no other board
    assert await _reason(system, _shown(system, "CP1", issue_us=former)) == ""
    [opened] = await system.attempt(_shown(system, "CP1", issue_us=former))
    await _expect(system, "NEW-1")
    for serial_number in ("OLD-1", "NEW-1", ""):
        boot = system.boot_item("CP1", opened.epoch, serial_number=serial_number)
        [result] = await system.boot(boot)
        assert reason_of(result) == ("SERIAL_NUMBER_WRONG" if serial_number else "")
    assert await _reason(system, _shown(system, "CP1", issue_us=former)) == UNTRUSTED
    await _expect(system, "")
    assert await _reason(system, _shown(system, "CP1", issue_us=former)) == UNTRUSTED
    await _expect(system, "NEW-1")
    [opened] = await system.attempt(_shown(system, "CP1", issue_us=system.clock()))
    [result] = await system.boot(system.boot_item("CP1", opened.epoch, serial_number="NEW-1"))
    assert (reason_of(opened), reason_of(result)) == ("", "")


async def test_a_serial_number_that_is_stated_for_the_first_time_outdates_nothing(system: StationSystem) -> None:
    await system.create("CP1", security_profile=3)
    ours = _shown(system, "CP1", issue_us=system.clock())
    system.clock.advance(1)
    await _expect(system, "SN-1")
    assert await _reason(system, ours) == ""


@pytest.mark.parametrize("common_name", ["CP1", "SN-1"])
async def test_a_station_that_was_added_again_is_not_proved_by_the_certificate_of_the_former_one(
    system: StationSystem, common_name: str
) -> None:
    await _with_serial(system, 3)
    former = _shown(system, common_name, issue_us=system.clock())
    assert await _reason(system, former) == ""
    system.clock.advance(1)
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    await system.create("CP1", security_profile=3)
    await _expect(system, "SN-1")
    assert await _reason(system, former) == UNTRUSTED
    assert await _reason(system, _shown(system, common_name, issue_us=system.clock())) == ""


async def test_a_certificate_that_was_signed_at_profile_0_proves_nothing_later(system: StationSystem) -> None:
    """Anybody was given it. One of the manufacturer is as good as before; so is one that is signed from now on."""
    await system.create("CP1", security_profile=0)
    ours = _shown(system, "CP1", issue_us=system.clock())
    assert await _reason(system, ours) == ""
    system.clock.advance(1)
    await _set_profile(system, 3)
    assert await _reason(system, ours) == UNTRUSTED
    assert await _reason(system, _shown(system, "CP1")) == ""
    assert await _reason(system, _shown(system, "CP1", issue_us=system.clock())) == ""
    system.clock.advance(1)
    await _set_profile(system, 2)
    await _set_profile(system, 3)
    assert await _reason(system, _shown(system, "CP1", issue_us=system.clock() - 1)) == ""


async def test_a_password_does_not_make_a_certificate_of_profile_0_count(system: StationSystem) -> None:
    await system.create("CP1", security_profile=0)
    issue_us = system.clock()
    system.clock.advance(1)
    await system.stations.RotateCredential(station_service_pb2.RotateCredentialRequest(station_id="CP1"))
    assert (await system.station("CP1")).security_profile == 1
    await _set_profile(system, 3)
    assert await _reason(system, _shown(system, "CP1", issue_us=issue_us)) == UNTRUSTED


async def test_a_certificate_from_elsewhere_for_the_identity_allows_no_other_serial_number(
    system: StationSystem,
) -> None:
    """It would be refused at the next connection, since it does not name the serial number."""
    await system.create("CP1", security_profile=3)
    epoch = await _connected(system, "CP1")
    [result] = await system.boot(system.boot_item("CP1", epoch, serial_number="SN-1"))
    assert reason_of(result) == "SERIAL_NUMBER_WRONG"
    [without] = await system.boot(system.boot_item("CP1", epoch))
    assert reason_of(without) == ""
    assert (await system.station("CP1")).identity.serial_number == ""


async def test_below_profile_3_a_boot_may_state_any_serial_number(system: StationSystem) -> None:
    """A station whose board was replaced connects by a lower profile, until its new serial number is known."""
    credential = await _with_serial(system, 3)
    await _set_profile(system, 2)
    item = _shown(system, "SN-2")
    item.credential = credential
    [result] = await system.attempt(item)
    [boot] = await system.boot(system.boot_item("CP1", result.epoch, serial_number="SN-2"))
    assert reason_of(boot) == ""
    await _expect(system, "SN-2")
    await _set_profile(system, 3)
    assert await _reason(system, _shown(system, "SN-2")) == ""
    assert await _reason(system, _shown(system, "SN-1")) == WRONG_SUBJECT


async def test_a_request_is_kept_while_its_certificate_is_in_use(system: StationSystem) -> None:
    """It shows that the station has a certificate; past its end it is removed with the others of its age."""
    await _with_serial(system, 3)
    await sign_for(system, "CP1", expire_us=system.clock() + 500 * DAY_US)
    system.clock.advance(450 * 86_400)
    await system.lease()
    await system.retention.remove_old()
    assert await system.count(certificate_request) == 1
    system.clock.advance(450 * 86_400)
    await system.lease()
    await system.retention.remove_old()
    assert await system.count(certificate_request) == 0
