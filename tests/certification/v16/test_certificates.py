"""Certificates of the charge point's own, and those that it trusts."""

from typing import Any

import pytest
from cryptography import x509
from csms.station.v1 import certificate_pb2, security_event_service_pb2, station_certificate_service_pb2
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.security_event_service_pb2_grpc import SecurityEventServiceStub
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceStub

from tests import certificates
from tests.certification.played_station import now
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {"status": "Accepted"}
HASHES = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a" * 64,
    "issuerKeyHash": "b" * 64,
    "serialNumber": "0123AB",
}


async def _renew(charge_point: ChargePoint, answer: str, state: int) -> None:
    """A trigger makes the charge point request a certificate; it gets one, and answers so."""
    action, payload, told = await charge_point.told(
        "TriggerMessage",
        ACCEPTED,
        requested_message=command.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE,
    )
    assert (action, payload) == ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})
    assert told.status == command.TRIGGER_MESSAGE_STATUS_ACCEPTED
    key = certificates.ec_key()
    csr = certificates.csr(charge_point.station_id, key=key)
    assert await charge_point.call("SignCertificate", csr=csr) == ACCEPTED
    action, payload = await charge_point.next_call({"status": answer})
    assert action == "CertificateSigned"
    leaf, *_issuers = x509.load_pem_x509_certificates(payload["certificateChain"].encode())
    assert leaf.public_key() == key.public_key()

    async def is_known() -> bool:
        return [request.state for request in await _requests(charge_point)] == [state]

    await eventually(is_known)


async def _requests(charge_point: ChargePoint) -> Any:
    """The charge point's requests for certificates, as operators see them."""
    service: Any = StationCertificateServiceStub(charge_point.mesh.station_channel)
    request = station_certificate_service_pb2.ListCertificateRequestsRequest(station_id=charge_point.station_id)
    response = await service.ListCertificateRequests(request, metadata=charge_point.mesh.metadata, timeout=TIMEOUT_S)
    return response.certificate_requests


async def _security_event(charge_point: ChargePoint, word: str, shown: str) -> None:
    """A security event, which operators see in the words of 2.x."""
    assert await charge_point.call("SecurityEventNotification", type=word, timestamp=now()) == {}
    service: Any = SecurityEventServiceStub(charge_point.mesh.station_channel)
    request = security_event_service_pb2.ListSecurityEventsRequest(station_id=charge_point.station_id)
    response = await service.ListSecurityEvents(request, metadata=charge_point.mesh.metadata, timeout=TIMEOUT_S)
    assert [event.type for event in response.security_events] == [shown]


async def test_tc_074_csms(charge_point: ChargePoint) -> None:
    """A new certificate, by request of the central system."""
    await _renew(charge_point, "Accepted", certificate_pb2.CERTIFICATE_REQUEST_STATE_DELIVERED)


async def test_tc_077_csms(charge_point: ChargePoint) -> None:
    """A certificate that the charge point finds wrong: refused, and a security event."""
    await _renew(charge_point, "Rejected", certificate_pb2.CERTIFICATE_REQUEST_STATE_REFUSED_BY_STATION)
    await _security_event(charge_point, "InvalidChargePointCertificate", "InvalidChargingStationCertificate")


async def _install(charge_point: ChargePoint, use: Any, word: str, answer: str) -> int:
    pem = certificates.authority("Root").pem
    action, payload, told = await charge_point.told(
        "InstallCertificate", {"status": answer}, certificate_type=use, certificate=pem
    )
    assert (action, payload) == ("InstallCertificate", {"certificateType": word, "certificate": pem})
    status: int = told.status
    return status


async def _installed(charge_point: ChargePoint, use: Any, word: str) -> Any:
    """Asks which roots of a kind there are; one is."""
    action, payload, told = await charge_point.told(
        "GetInstalledCertificateIds",
        {"status": "Accepted", "certificateHashData": [HASHES]},
        certificate_types=[use],
    )
    assert (action, payload) == ("GetInstalledCertificateIds", {"certificateType": word})
    assert told.status == certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED
    [chain] = told.certificate_hash_data_chains
    assert chain.certificate_hash_data.serial_number == "0123AB"
    return chain.certificate_hash_data


async def test_tc_075_1_csms(charge_point: ChargePoint) -> None:
    """A root of the manufacturer's is installed."""
    word = "ManufacturerRootCertificate"
    use = certificate_pb2.INSTALL_CERTIFICATE_USE_MANUFACTURER_ROOT_CERTIFICATE
    status = await _install(charge_point, use, word, "Accepted")
    assert status == certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED
    await _installed(charge_point, certificate_pb2.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE, word)


async def test_tc_075_2_csms(charge_point: ChargePoint) -> None:
    """A root of the central system's is installed."""
    word, use = "CentralSystemRootCertificate", certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE
    status = await _install(charge_point, use, word, "Accepted")
    assert status == certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED
    await _installed(charge_point, certificate_pb2.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE, word)


async def test_tc_076_csms(charge_point: ChargePoint) -> None:
    """A certificate is looked for, and removed."""
    use = certificate_pb2.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE
    found = await _installed(charge_point, use, "CentralSystemRootCertificate")
    action, payload, told = await charge_point.told("DeleteCertificate", ACCEPTED, certificate_hash_data=found)
    assert (action, payload) == ("DeleteCertificate", {"certificateHashData": HASHES})
    assert told.status == certificate_pb2.DELETE_CERTIFICATE_STATUS_ACCEPTED


async def test_tc_078_csms(charge_point: ChargePoint) -> None:
    """A root of the central system's that the charge point finds wrong: refused, and a security event."""
    use = certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE
    status = await _install(charge_point, use, "CentralSystemRootCertificate", "Rejected")
    assert status == certificate_pb2.INSTALL_CERTIFICATE_STATUS_REJECTED
    await _security_event(charge_point, "InvalidCentralSystemCertificate", "InvalidCsmsCertificate")
