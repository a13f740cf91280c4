"""Block A, certificates of a station that the CSMS has renewed: A02. The steps are our reading of the standard."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from csms.station.v1 import certificate_pb2, security_event_service_pb2, station_certificate_service_pb2
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.security_event_service_pb2_grpc import SecurityEventServiceStub
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceStub

from tests import certificates
from tests.certification.played_station import now
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S
from tests.http_server import http_server
from tests.v2g_provider import V2gProvider
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELIVERED = certificate_pb2.CERTIFICATE_REQUEST_STATE_DELIVERED
REFUSED = certificate_pb2.CERTIFICATE_REQUEST_STATE_REFUSED_BY_STATION


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def further_settings() -> AsyncIterator[Mapping[str, str]]:
    """The provider that signs certificates towards vehicles is on this machine."""
    async with http_server(V2gProvider(lambda: datetime.now(UTC)).answer) as provider:
        yield {"CSMS_V2G_SIGNING_URL": provider.url}


async def _renew(
    station: ChargingStation,
    trigger: command.MessageTrigger.ValueType,
    word: str,
    use: str = "",
    answer: str = "Accepted",
) -> int:
    """A trigger makes the station request a certificate of a use; it gets one, and answers so. The request's state."""
    action, payload, told = await station.told("TriggerMessage", {"status": "Accepted"}, requested_message=trigger)
    assert (action, payload) == ("TriggerMessage", {"requestedMessage": word})
    assert told.status == command.TRIGGER_MESSAGE_STATUS_ACCEPTED
    key = certificates.ec_key()
    of_use = {"certificateType": use} if use else {}
    csr = certificates.csr(station.station_id, key=key)
    assert await station.call("SignCertificate", csr=csr, **of_use) == {"status": "Accepted"}
    action, payload = await station.next_call({"status": answer})
    assert action == "CertificateSigned"
    leaf, *_issuers = x509.load_pem_x509_certificates(payload.pop("certificateChain").encode())
    assert leaf.public_key() == key.public_key()
    assert payload == of_use

    async def is_over() -> bool:
        return all(request.state in (DELIVERED, REFUSED) for request in await _requests(station))

    await eventually(is_over)
    [request] = await _requests(station)
    state: int = request.state
    return state


async def _requests(station: ChargingStation) -> Any:
    """The station's requests for certificates, as operators see them."""
    service: Any = StationCertificateServiceStub(station.mesh.station_channel)
    request = station_certificate_service_pb2.ListCertificateRequestsRequest(station_id=station.station_id)
    response = await service.ListCertificateRequests(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    return response.certificate_requests


async def test_tc_a_11_csms(station: ChargingStation) -> None:
    """A02: the certificate towards the CSMS."""
    trigger = command.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE
    state = await _renew(station, trigger, "SignChargingStationCertificate", "ChargingStationCertificate")
    assert state == DELIVERED


async def test_tc_a_12_csms(station: ChargingStation) -> None:
    """A02: the certificate towards vehicles."""
    trigger = command.MESSAGE_TRIGGER_SIGN_V2G_CERTIFICATE
    assert await _renew(station, trigger, "SignV2GCertificate", "V2GCertificate") == DELIVERED


async def test_tc_a_13_csms(station: ChargingStation) -> None:
    """A02: one certificate for both."""
    trigger = command.MESSAGE_TRIGGER_SIGN_COMBINED_CERTIFICATE
    assert await _renew(station, trigger, "SignCombinedCertificate") == DELIVERED


async def test_tc_a_14_csms(station: ChargingStation) -> None:
    """A02.FR.07: a certificate that the station finds invalid: refused, and a security event."""
    trigger = command.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE
    word, use = "SignChargingStationCertificate", "ChargingStationCertificate"
    assert await _renew(station, trigger, word, use, answer="Rejected") == REFUSED
    kind = "InvalidChargingStationCertificate"
    assert await station.call("SecurityEventNotification", type=kind, timestamp=now()) == {}
    service: Any = SecurityEventServiceStub(station.mesh.station_channel)
    request = security_event_service_pb2.ListSecurityEventsRequest(station_id=station.station_id)
    response = await service.ListSecurityEvents(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    assert [event.type for event in response.security_events] == [kind]
