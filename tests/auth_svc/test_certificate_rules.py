"""The rules of our own authority: which names it signs, what it takes from a request, how many a station gets."""

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from csms.auth.v1.certificate_authority_service_pb2 import (
    SignCertificateItem,
    SignCertificateResult,
    SignCertificatesRequest,
)
from csms.auth.v1.tenant_pb2 import Tenant
from csms.auth.v1.tenant_service_pb2 import CreateTenantRequest
from csms.auth.v1.tenant_service_pb2_grpc import TenantServiceStub

from auth_svc.certificate_office import MOST_PER_DAY, CertificateRules
from mesh.runtime.errors import from_status
from tests import certificates
from tests.auth_svc.conftest import Auth, StartAuth, bearer

DAY_S = 24 * 3600
PLATFORM_PASSWORD = "a battery of staples"


def _item(csr: str, *names: str, station_id: str = "CP1", tenant_id: str = "default") -> SignCertificateItem:
    return SignCertificateItem(tenant_id=tenant_id, station_id=station_id, common_names=names or (station_id,), csr=csr)


async def _sign(auth: Auth, *items: SignCertificateItem) -> list[SignCertificateResult]:
    return list((await auth.signing.SignCertificates(SignCertificatesRequest(items=items))).results)


def _reason(result: SignCertificateResult) -> str:
    return str(from_status(result.error).reason) if result.HasField("error") else ""


def _leaf(result: SignCertificateResult) -> x509.Certificate:
    assert not result.HasField("error"), result.error
    return x509.load_pem_x509_certificates(result.certificate_chain.encode())[0]


def _greedy_csr(common_name: str, *, organization: str | None = None) -> str:
    """A request that asks for more than a station may have."""
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Administrators"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "admin@example.com"),
    ]
    if organization is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts))
    names = x509.SubjectAlternativeName([x509.DNSName("csms.example.com"), x509.DNSName("*")])
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=True)
    signed = builder.sign(certificates.ec_key(), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


async def test_subject_and_extensions_are_chosen_here(auth: Auth) -> None:
    [result] = await _sign(auth, _item(_greedy_csr("CP1", organization="Someone")))
    leaf = _leaf(result)
    assert leaf.subject == certificates.name("CP1")
    present = {type(extension.value) for extension in leaf.extensions}
    assert x509.SubjectAlternativeName not in present
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]


async def test_a_configured_organization_is_in_each_certificate(start_auth: StartAuth) -> None:
    auth = await start_auth(certificates=CertificateRules(organization="ACME"))
    right, wrong = await _sign(
        auth, _item(_greedy_csr("CP1", organization="ACME")), _item(_greedy_csr("CP1", organization="Other"))
    )
    subject = _leaf(right).subject
    assert [(part.oid, part.value) for part in subject] == [
        (NameOID.ORGANIZATION_NAME, "ACME"),
        (NameOID.COMMON_NAME, "CP1"),
    ]
    assert _reason(wrong) == "CSR_SUBJECT_WRONG"


@pytest.mark.parametrize("name", ["*", "*.example.com", "CP*", "CP\n1", "CPé", "CP\u202e1", " \t"])
async def test_names_that_no_station_may_have(auth: Auth, name: str) -> None:
    """Although station_svc says that the station is called so."""
    results = await _sign(auth, _item(certificates.csr(name), name), _item(certificates.csr("CP1")))
    assert [_reason(result) for result in results] == ["CSR_SUBJECT_WRONG", ""]


async def test_host_names_of_the_system_are_no_names_of_stations(start_auth: StartAuth) -> None:
    """In any case of letters, of any tenant."""
    auth = await start_auth(platform_admin_password=PLATFORM_PASSWORD)
    platform = bearer(await auth.login("platform", PLATFORM_PASSWORD, tenant_id="platform"))
    tenant = Tenant(tenant_id="acme", host_name="acme.example.org")
    stub = TenantServiceStub(auth.operator_channel)
    await stub.CreateTenant(CreateTenantRequest(tenant=tenant), metadata=platform)
    names = ("acme.example.org", "ACME.example.org", "SN.42")
    results = await _sign(auth, *(_item(certificates.csr(name), name) for name in names))
    assert [_reason(result) for result in results] == ["CSR_SUBJECT_WRONG", "CSR_SUBJECT_WRONG", ""]


async def test_a_station_gets_so_many_certificates_in_a_day(auth: Auth) -> None:
    """Repeats of a request count for nothing; other stations, and one of another tenant, have days of their own."""
    requests = [certificates.csr("CP1") for _ in range(MOST_PER_DAY + 2)]
    results = await _sign(auth, *map(_item, requests[:-2]), _item(requests[0]))
    assert {_reason(result) for result in results} == {""}
    refused, again, other, foreign = await _sign(
        auth,
        _item(requests[-1]),
        _item(requests[0]),
        _item(certificates.csr("CP2"), station_id="CP2"),
        _item(certificates.csr("CP1"), tenant_id="acme"),
    )
    assert [_reason(one) for one in (refused, again, other, foreign)] == ["CERTIFICATE_LIMIT_REACHED", "", "", ""]
    assert from_status(refused.error).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    auth.clock.advance(DAY_S)
    assert [_reason(one) for one in await _sign(auth, _item(requests[-1]))] == [""]


async def test_the_limit_holds_within_a_batch(start_auth: StartAuth) -> None:
    auth = await start_auth(certificates=CertificateRules(most_per_day=2))
    results = await _sign(auth, *(_item(certificates.csr("CP1")) for _ in range(4)))
    assert [_reason(result) for result in results] == ["", "", *["CERTIFICATE_LIMIT_REACHED"] * 2]
