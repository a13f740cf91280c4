"""Certificates that operators send to stations, and stations' lists of those that they have."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import certificate_pb2 as pb
from csms.station.v1 import station_certificate_service_pb2 as listing
from csms.station.v1 import station_service_pb2
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceStub

from mesh.runtime.times import to_datetime
from tests import certificates
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import Behaviour, StationSystem, access_token, fails_with, of_tenant

CSMS = pb.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE
MANUFACTURER = pb.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE


def data(
    serial_number: str, algorithm: pb.HashAlgorithm.ValueType = pb.HASH_ALGORITHM_SHA256
) -> pb.CertificateHashData:
    """A certificate as a station names it."""
    return pb.CertificateHashData(
        hash_algorithm=algorithm, issuer_name_hash="aB", issuer_key_hash="cD", serial_number=serial_number
    )


def telling(*told: tuple[pb.GetCertificateIdUse.ValueType, str]) -> Behaviour:
    """A station that has these."""

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        answer = pb.GetInstalledCertificateIdsResponse(status=pb.GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED)
        for kind, serial_number in told:
            answer.certificate_hash_data_chains.add(certificate_type=kind, certificate_hash_data=data(serial_number))
        return gateway_pb2.CallResponse(get_installed_certificate_ids=answer)

    return behave


def deleting(status: pb.DeleteCertificateStatus.ValueType) -> Behaviour:
    """A station that answers so."""

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        return gateway_pb2.CallResponse(delete_certificate=pb.DeleteCertificateResponse(status=status))

    return behave


async def _list(system: StationSystem, **more: int) -> list[tuple[int, str]]:
    stub = StationCertificateServiceStub(system.operators)
    request = listing.ListInstalledCertificatesRequest(station_id="CP1", **more)  # type: ignore[arg-type]
    seen: list[tuple[int, str]] = []
    while True:
        response = await stub.ListInstalledCertificates(request)
        told: Sequence[pb.InstalledCertificate] = response.installed_certificates
        seen += [(one.certificate_type, one.certificate_hash_data.serial_number) for one in told]
        if not response.next_page_token:
            return seen
        request.page_token = response.next_page_token


async def _ask(system: StationSystem, *kinds: pb.GetCertificateIdUse.ValueType) -> None:
    request = pb.GetInstalledCertificateIdsRequest(station_id="CP1", certificate_types=kinds)
    await system.commands.GetInstalledCertificateIds(request)


async def test_chain_is_listed_with_the_certificates_above_it(system: StationSystem) -> None:
    """M03: a chain of the station towards vehicles; a certificate that stands alone has none above it."""
    await system.open("CP1")
    above = [data("2", pb.HASH_ALGORITHM_SHA512), data("3")]

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        answer = pb.GetInstalledCertificateIdsResponse(status=pb.GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED)
        answer.certificate_hash_data_chains.add(
            certificate_type=pb.GET_CERTIFICATE_ID_USE_V2G_CERTIFICATE_CHAIN,
            certificate_hash_data=data("1"),
            child_certificate_hash_data=above,
        )
        answer.certificate_hash_data_chains.add(certificate_type=CSMS, certificate_hash_data=data("4"))
        return gateway_pb2.CallResponse(get_installed_certificate_ids=answer)

    system.gateway.behave = behave
    await _ask(system)
    stub = StationCertificateServiceStub(system.operators)
    response = await stub.ListInstalledCertificates(listing.ListInstalledCertificatesRequest(station_id="CP1"))
    found = {one.certificate_hash_data.serial_number: one for one in response.installed_certificates}
    assert list(found["1"].child_certificate_hash_data) == above
    assert list(found["4"].child_certificate_hash_data) == []


async def test_what_a_station_tells_is_remembered(system: StationSystem) -> None:
    """Instead of what it told before of the same kinds, and beside what it told of others; in pages."""
    await system.open("CP1")
    system.gateway.behave = telling((CSMS, "1"), (CSMS, "2"), (CSMS, "2"), (MANUFACTURER, "3"))
    await _ask(system)
    assert await _list(system, page_size=2) == [(CSMS, "1"), (CSMS, "2"), (MANUFACTURER, "3")]
    system.gateway.behave = telling((CSMS, "4"))
    await _ask(system, CSMS)
    assert await _list(system) == [(CSMS, "4"), (MANUFACTURER, "3")]
    system.gateway.behave = telling()
    await _ask(system, MANUFACTURER)
    assert await _list(system) == [(CSMS, "4")]


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (pb.DELETE_CERTIFICATE_STATUS_ACCEPTED, ["1"]),
        (pb.DELETE_CERTIFICATE_STATUS_NOT_FOUND, ["1"]),
        (pb.DELETE_CERTIFICATE_STATUS_FAILED, ["1", "2F"]),
    ],
)
async def test_what_a_station_removes(
    system: StationSystem, status: pb.DeleteCertificateStatus.ValueType, left: list[str]
) -> None:
    """It is listed no more, however its hexadecimal is spelled; what it keeps is."""
    await system.open("CP1")
    system.gateway.behave = telling((CSMS, "1"), (CSMS, "2F"))
    await _ask(system)
    system.gateway.behave = deleting(status)
    other = data("1", pb.HASH_ALGORITHM_SHA512)
    for which in (data("2f"), other):
        await system.commands.DeleteCertificate(
            pb.DeleteCertificateRequest(station_id="CP1", certificate_hash_data=which)
        )
    assert [serial for _kind, serial in await _list(system)] == left


async def test_who_may_ask(system: StationSystem) -> None:
    """Operators; asking makes the station do something, so that viewers may not. A removed station leaves nothing."""
    await system.open("CP1")
    system.gateway.behave = telling((CSMS, "1"))
    await _ask(system)
    viewer = (("authorization", f"Bearer {access_token(role='VIEWER')}"),)
    with fails_with("ROLE_TOO_LOW"):
        await system.commands.GetInstalledCertificateIds(
            pb.GetInstalledCertificateIdsRequest(station_id="CP1"), metadata=viewer
        )
    stub = StationCertificateServiceStub(system.operators)
    request = listing.ListInstalledCertificatesRequest(station_id="CP1")
    assert len((await stub.ListInstalledCertificates(request, metadata=viewer)).installed_certificates) == 1
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListInstalledCertificates(request, metadata=of_tenant("other"))
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    assert await system.count(models.installed_certificate) == 0


# Checks before it leaves


async def test_roots_that_are_none(system: StationSystem, clock: FakeClock) -> None:
    """Told plainly, and nothing is sent; above all no private key."""
    await system.open("CP1")
    now = to_datetime(clock())
    root = certificates.authority("Root", now=now)
    wrong = {
        "it is no certificate": "nothing",
        "one certificate is needed": root.pem + root.pem,
        "private key": root.pem + certificates.key_pem(root.key),
        "may not sign": certificates.authority("Leaf", ca=False, now=now).pem,
        "ended": certificates.authority("Old", now=now - timedelta(days=30)).pem,
    }
    for message, certificate in wrong.items():
        request = pb.InstallCertificateRequest(
            station_id="CP1", certificate_type=pb.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE, certificate=certificate
        )
        with fails_with("INVALID_FIELD") as caught:
            await system.commands.InstallCertificate(request)
        assert message in caught[0].message
    assert system.gateway.calls == []


async def test_chains_that_are_none(system: StationSystem, clock: FakeClock) -> None:
    """Each certificate has to be signed by the next."""
    await system.open("CP1")
    now = to_datetime(clock())
    root, other = certificates.authority("Root", now=now), certificates.authority("Root", now=now)
    leaf = certificates.authority("CP1", issuer=root, ca=False, now=now)
    for chain in ("", "nothing", leaf.pem + other.pem, root.pem + leaf.pem):
        with fails_with("INVALID_FIELD"):
            await system.commands.CertificateSigned(
                pb.CertificateSignedRequest(station_id="CP1", certificate_chain=chain)
            )
    assert system.gateway.calls == []

    async def taking(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        answer = pb.CertificateSignedResponse(status=pb.CERTIFICATE_SIGNED_STATUS_ACCEPTED)
        return gateway_pb2.CallResponse(certificate_signed=answer)

    system.gateway.behave = taking
    request = pb.CertificateSignedRequest(station_id="CP1", certificate_chain=leaf.pem + root.pem)
    assert (await system.commands.CertificateSigned(request)).status == pb.CERTIFICATE_SIGNED_STATUS_ACCEPTED
