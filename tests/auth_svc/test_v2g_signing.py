"""Certificates of stations towards vehicles, signed by a provider that is a double on this machine."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from csms.auth.v1.certificate_authority_service_pb2 import (
    SignCertificateItem,
    SignCertificateResult,
    SignCertificatesRequest,
)
from csms.auth.v1.certificate_service_pb2 import ListIssuedCertificatesRequest
from csms.common.v1 import certificate_pb2

from auth_svc.settings import AuthSettings
from auth_svc.v2g_signing import HttpV2gSigner, NoV2gSigner, V2gSigner
from mesh.runtime.errors import from_status
from mesh.runtime.settings import Environment
from mesh.runtime.times import to_datetime
from tests import certificates
from tests.auth_svc.conftest import Auth, StartAuth
from tests.conftest import FakeClock
from tests.contract_pki import Shape, certify, pem
from tests.http_server import HttpRequest, HttpServer, http_server, ok
from tests.mesh_identities import mesh_environment
from tests.v2g_provider import V2gProvider

V2G = certificate_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE
OWN = certificate_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE


def _item(
    csr: str, use: certificate_pb2.CertificateSigningUse.ValueType = V2G, names: tuple[str, ...] = ("CP1",)
) -> SignCertificateItem:
    return SignCertificateItem(tenant_id="default", station_id="CP1", common_names=names, csr=csr, certificate_type=use)


async def _sign(auth: Auth, *items: SignCertificateItem) -> list[SignCertificateResult]:
    return list((await auth.signing.SignCertificates(SignCertificatesRequest(items=items))).results)


def _reason(result: SignCertificateResult) -> str:
    return from_status(result.error).reason if result.HasField("error") else ""


@pytest.fixture
def provider(clock: FakeClock) -> V2gProvider:
    """A provider that signs."""
    return V2gProvider(lambda: to_datetime(clock()))


@asynccontextmanager
async def _serving(start_auth: StartAuth, provider: V2gProvider) -> AsyncIterator[tuple[Auth, HttpServer]]:
    async with http_server(provider.answer) as server:
        signer = _configured(CSMS_V2G_SIGNING_URL=server.url, CSMS_V2G_SIGNING_TOKEN="signing-token")
        yield await start_auth(v2g_signer=signer), server


def _configured(**values: str) -> V2gSigner:
    return AuthSettings.read(Environment(mesh_environment("auth") | values)).v2g_signer


async def test_request_is_signed_by_the_provider(start_auth: StartAuth, provider: V2gProvider) -> None:
    """A02: with the certificates above it, and the name that the station has towards vehicles."""
    csr = certificates.csr("DE*ABC*S1")
    async with _serving(start_auth, provider) as (auth, server):
        [result] = await _sign(auth, _item(csr))
        leaf, sub = x509.load_pem_x509_certificates(result.certificate_chain.encode())
        [asked] = server.requests
    assert leaf.public_key() == x509.load_pem_x509_csr(csr.encode()).public_key()
    assert sub == provider.sub.certificate
    assert result.serial_number == f"{leaf.serial_number:X}"
    assert asked.headers["authorization"] == "Bearer signing-token"
    body = json.loads(asked.body)
    assert (body["tenantId"], body["stationId"], body["certificateType"]) == ("default", "CP1", "V2GCertificate")
    listed = await auth.certificates.ListIssuedCertificates(
        ListIssuedCertificatesRequest(), metadata=await auth.admin()
    )
    [issued] = listed.issued_certificates
    assert (issued.certificate_type, issued.common_name) == (V2G, "DE*ABC*S1")


async def test_same_request_gets_the_same_certificate_until_it_is_to_be_renewed(
    start_auth: StartAuth, provider: V2gProvider, clock: FakeClock
) -> None:
    csr = certificates.csr("DE*ABC*S1")
    async with _serving(start_auth, provider) as (auth, server):
        [first] = await _sign(auth, _item(csr))
        assert await _sign(auth, _item(csr)) == [first]
        assert len(server.requests) == 1
        clock.advance(41 * 24 * 3600)
        [renewed] = await _sign(auth, _item(csr))
        assert renewed.serial_number != first.serial_number
        assert len(server.requests) == 2


async def test_both_uses_in_one_batch_are_signed_by_who_signs_them(
    start_auth: StartAuth, provider: V2gProvider
) -> None:
    async with _serving(start_auth, provider) as (auth, server):
        towards_vehicles, own = await _sign(
            auth, _item(certificates.csr("DE*ABC*S1")), _item(certificates.csr("CP1"), OWN)
        )
        assert len(server.requests) == 1
    first, second = (
        x509.load_pem_x509_certificate(result.certificate_chain.encode()) for result in (towards_vehicles, own)
    )
    assert first.issuer == provider.sub.certificate.subject
    assert second.issuer != first.issuer


async def test_weak_request_does_not_reach_the_provider(start_auth: StartAuth, provider: V2gProvider) -> None:
    weak = certificates.csr("DE*ABC*S1", algorithm=hashes.SHA224())
    async with _serving(start_auth, provider) as (auth, server):
        results = await _sign(auth, _item(weak), _item("no request"))
        assert server.requests == []
    assert [_reason(result) for result in results] == ["CSR_SIGNATURE_WRONG", "CSR_UNREADABLE"]


async def test_chain_that_does_not_fit_the_request_is_refused(
    start_auth: StartAuth, provider: V2gProvider, clock: FakeClock
) -> None:
    """For another key; with a certificate above that did not sign it; no certificate at all."""
    stranger = certify("Stranger", provider.sub, Shape(now=to_datetime(clock())))
    changes: list[Callable[[str], str]] = [
        lambda _chain: pem(stranger, provider.sub),
        lambda chain: chain.replace(provider.sub.pem, provider.root.pem),
        lambda _chain: "",
    ]
    async with _serving(start_auth, provider) as (auth, _server):
        for provider.change in changes:
            [result] = await _sign(auth, _item(certificates.csr("DE*ABC*S1")))
            assert _reason(result) == "CERTIFICATE_PROVIDER_REFUSED"


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (
            ok(b'{"status": "Failed", "message": "no such station"}'),
            grpc.StatusCode.INVALID_ARGUMENT,
            "CERTIFICATE_PROVIDER_REFUSED",
        ),
        (ok(b"<html>"), grpc.StatusCode.UNAVAILABLE, "CERTIFICATE_PROVIDER_UNAVAILABLE"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", grpc.StatusCode.UNAVAILABLE, "CERTIFICATE_PROVIDER_UNAVAILABLE"),
    ],
)
async def test_refusal_is_final_and_absence_is_not(
    start_auth: StartAuth, answer: bytes, code: grpc.StatusCode, reason: str
) -> None:
    async def handle(_request: HttpRequest) -> bytes:
        return answer

    async with http_server(handle) as server:
        auth = await start_auth(v2g_signer=HttpV2gSigner(url=server.url, token=None))
        [result] = await _sign(auth, _item(certificates.csr("DE*ABC*S1")))
    error = from_status(result.error)
    assert (error.code, error.reason) == (code, reason)


async def test_without_a_signer_the_request_is_refused(auth: Auth) -> None:
    assert isinstance(_configured(), NoV2gSigner)
    [result] = await _sign(auth, _item(certificates.csr("DE*ABC*S1")))
    assert _reason(result) == "CERTIFICATE_TYPE_NOT_SIGNED"


def test_token_of_the_signer_is_in_no_representation() -> None:
    values: dict[str, Any] = {
        "CSMS_V2G_SIGNING_URL": "https://v2g.example.org/",
        "CSMS_V2G_SIGNING_TOKEN": "signing-token",
    }
    assert "signing-token" not in repr(AuthSettings.read(Environment(mesh_environment("auth") | values)))
