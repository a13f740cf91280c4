"""Revocations of stations' certificates by operators, and the signed lists of them (RFC 5280, 5)."""

from datetime import timedelta

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from csms.auth.v1 import certificate_service_pb2 as pb
from csms.auth.v1.certificate_authority_service_pb2 import (
    ListRevokedCertificatesRequest,
    RevokedCertificate,
    SignCertificateItem,
    SignCertificateResult,
    SignCertificatesRequest,
)
from csms.auth.v1.user_service_pb2 import ROLE_OPERATOR, ROLE_VIEWER, RegisterRequest, Role

from auth_svc import condition_store
from auth_svc.authority import Authority
from auth_svc.certificate_office import CertificateRules
from auth_svc.revocation_lists import LIFE_US
from mesh.runtime.errors import from_status
from mesh.runtime.times import SECOND_US, to_datetime, to_timestamp
from tests import certificates
from tests.audited import contents, linked_entries
from tests.auth_svc.conftest import Auth, Metadata, StartAuth, bearer, refused
from tests.conftest import FakeClock

DAY_S = 24 * 3600
KEY_COMPROMISE = pb.REVOCATION_REASON_KEY_COMPROMISE


async def _sign(auth: Auth, csr: str, station_id: str = "CP1", tenant_id: str = "default") -> SignCertificateResult:
    item = SignCertificateItem(tenant_id=tenant_id, station_id=station_id, common_names=[station_id], csr=csr)
    [result] = (await auth.signing.SignCertificates(SignCertificatesRequest(items=[item]))).results
    return result


async def _issue(auth: Auth, station_id: str = "CP1", tenant_id: str = "default") -> str:
    """A certificate's serial number."""
    result = await _sign(auth, certificates.csr(station_id), station_id, tenant_id)
    assert not result.HasField("error"), result.error
    return result.serial_number


async def _revoke(
    auth: Auth,
    serial_number: str,
    reason: pb.RevocationReason.ValueType = KEY_COMPROMISE,
    caller: Metadata | None = None,
) -> pb.IssuedCertificate:
    request = pb.RevokeCertificateRequest(serial_number=serial_number, reason=reason)
    response = await auth.certificates.RevokeCertificate(request, metadata=caller or await auth.admin())
    return response.issued_certificate


async def _list(auth: Auth, fingerprint: str = "") -> pb.CertificateRevocationList:
    request = pb.GetCertificateRevocationListRequest(authority_fingerprint=fingerprint)
    response = await auth.certificates.GetCertificateRevocationList(request, metadata=await auth.admin())
    return response.certificate_revocation_list


async def _authority(auth: Auth) -> x509.Certificate:
    response = await auth.certificates.GetCertificateAuthority(
        pb.GetCertificateAuthorityRequest(), metadata=await auth.admin()
    )
    return x509.load_pem_x509_certificate(response.certificate_authority.root_certificate.encode())


def _crl(made: pb.CertificateRevocationList) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(made.revocation_list.encode())


def _numbers(made: pb.CertificateRevocationList) -> list[str]:
    return [f"{one.serial_number:X}" for one in _crl(made)]


async def _caller(auth: Auth, name: str, role: Role.ValueType) -> Metadata:
    request = RegisterRequest(username=name, password="another horse battery", role=role)
    await auth.users.Register(request, metadata=await auth.admin())
    return bearer(await auth.login(name, "another horse battery"))


async def test_a_certificate_is_revoked_once_and_for_good(auth: Auth) -> None:
    number = await _issue(auth)
    auth.clock.advance(60)
    revoked = await _revoke(auth, number.lower())
    assert (revoked.serial_number, revoked.revocation_reason) == (number, KEY_COMPROMISE)
    assert revoked.revoke_time == to_timestamp(auth.clock())
    auth.clock.advance(60)
    assert await _revoke(auth, number, pb.REVOCATION_REASON_SUPERSEDED) == revoked
    [event] = await auth.events("certificate.revoked")
    assert (event["serialNumber"], event["commonName"]) == (number, "CP1")
    acts = [one for one in contents(await linked_entries(auth.database, "auth")) if one.resource == number]
    assert [(one.resource_type, one.station_id, one.actor) for one in acts] == [("issued_certificate", "CP1", "admin")]
    assert acts[0].details is not None
    assert acts[0].details["reason"] == KEY_COMPROMISE


async def test_revocations_that_are_refused(auth: Auth) -> None:
    """Of what was never issued, or to another tenant's station; for a reason that is none."""
    theirs = await _issue(auth, tenant_id="acme")
    for number in ("AB12", theirs, ""):
        with refused(grpc.StatusCode.NOT_FOUND, "CERTIFICATE_NOT_FOUND"):
            await _revoke(auth, number)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "reason"):
        await _revoke(auth, theirs, 7)  # type: ignore[arg-type]


async def test_who_may_revoke(auth: Auth) -> None:
    first, second = await _issue(auth), await _issue(auth, "CP2")
    viewer, operator = await _caller(auth, "vera", ROLE_VIEWER), await _caller(auth, "otto", ROLE_OPERATOR)
    with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
        await _revoke(auth, first, caller=viewer)
    assert (await _revoke(auth, second, caller=operator)).HasField("revoke_time")


async def test_revoked_certificates_are_listed(auth: Auth) -> None:
    number, _other = await _issue(auth), await _issue(auth, "CP2")
    await _revoke(auth, number)
    for text, stations in (("true", ["CP1"]), ("false", ["CP2"])):
        request = pb.ListIssuedCertificatesRequest(filter=f"revoked = {text}")
        listed = await auth.certificates.ListIssuedCertificates(request, metadata=await auth.admin())
        assert [one.station_id for one in listed.issued_certificates] == stations


async def test_the_key_of_a_revoked_certificate_gets_no_other(auth: Auth) -> None:
    """Neither with the same request nor with another one; another key does, and so does the key of another station."""
    key = certificates.ec_key()
    csr = certificates.csr("CP1", key=key)
    await _revoke(auth, (await _sign(auth, csr)).serial_number)
    for again in (csr, certificates.csr("CP1", key=key)):
        assert from_status((await _sign(auth, again)).error).reason == "CSR_KEY_REVOKED"
    assert not (await _sign(auth, certificates.csr("CP1"))).HasField("error")


async def test_revoked_certificates_need_no_person(auth: Auth) -> None:
    """A condition tells of a certificate near its end; of a revoked one there is nothing to renew."""
    first, _second = await _issue(auth), await _issue(auth, "CP2")
    await _revoke(auth, first)
    auth.clock.advance(340 * DAY_S)
    assert await _expiring(auth) == {"CP2"}


async def _expiring(auth: Auth) -> set[str]:
    query = condition_store.expiring_certificates("default", auth.clock())
    rows = await auth.database.read(lambda connection: connection.execute(query).all())
    return {row.station_id for row in rows}


# For station_svc


async def test_certificates_that_were_revoked_lately_are_told_to_the_mesh(auth: Auth) -> None:
    """Of all tenants, those since a moment."""
    number = await _issue(auth)
    await _revoke(auth, number)
    first_us = auth.clock()
    auth.clock.advance(10)
    await _revoke(auth, await _issue(auth, "CP2"))
    told = await _told(auth, first_us - 1)
    assert [(one.tenant_id, one.station_id) for one in told] == [("default", "CP2"), ("default", "CP1")]
    assert told[1].revoke_time == to_timestamp(first_us)
    assert [one.station_id for one in await _told(auth, first_us)] == ["CP2"]


async def _told(auth: Auth, after_us: int) -> list[RevokedCertificate]:
    request = ListRevokedCertificatesRequest(after_time=to_timestamp(after_us))
    return list((await auth.signing.ListRevokedCertificates(request)).revoked_certificates)


# The signed list


async def test_a_list_is_signed_and_has_what_was_revoked(auth: Auth) -> None:
    revoked = [await _issue(auth, f"CP{number}") for number in range(3)]
    await _issue(auth, "CP9")
    reasons = [KEY_COMPROMISE, pb.REVOCATION_REASON_UNSPECIFIED, pb.REVOCATION_REASON_CESSATION_OF_OPERATION]
    for number, reason in zip(revoked, reasons, strict=True):
        await _revoke(auth, number, reason)
        auth.clock.advance(1)
    made, root = await _list(auth), await _authority(auth)
    crl = _crl(made)
    assert crl.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    assert crl.issuer == root.subject
    assert (_numbers(made), made.size) == (revoked, 3)
    flags = [x509.ReasonFlags.key_compromise, None, x509.ReasonFlags.cessation_of_operation]
    assert [_flag(one) for one in crl] == flags
    assert crl.last_update_utc == to_datetime(auth.clock())
    assert crl.next_update_utc == to_datetime(auth.clock() + LIFE_US)
    assert made.next_update_time == to_timestamp(auth.clock() + LIFE_US)
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number > 0


def _flag(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return None


async def test_a_list_is_kept_until_something_changes(start_auth: StartAuth) -> None:
    """By this replica or another; and for a day at most, so that it holds for days when it is fetched."""
    auth, other = await start_auth(), await start_auth()
    first, second = await _issue(auth), await _issue(auth, "CP2")
    empty = await _list(auth)
    auth.clock.advance(60)
    assert await _list(auth) == empty
    await _revoke(other, first)
    assert _numbers(await _list(auth)) == [first]
    auth.clock.advance(DAY_S - 1)
    made = await _list(auth)
    auth.clock.advance(1)
    renewed = await _list(auth)
    assert renewed != made
    assert _crl(renewed).last_update_utc == _crl(made).last_update_utc + timedelta(days=1)
    await _revoke(auth, second)
    numbers = [_crl(one).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for one in (made, renewed)]
    assert numbers == sorted(numbers)
    assert _numbers(await _list(auth)) == [first, second]


async def test_an_ended_certificate_leaves_the_list_after_a_list_s_life(start_auth: StartAuth) -> None:
    auth = await start_auth(certificates=CertificateRules(validity_days=3))
    number = await _issue(auth)
    await _revoke(auth, number)
    auth.clock.advance(3 * DAY_S + LIFE_US // SECOND_US - 1)
    assert _numbers(await _list(auth)) == [number]
    auth.clock.advance(DAY_S)
    assert _numbers(await _list(auth)) == []


async def test_each_authority_has_its_own_list(start_auth: StartAuth, clock: FakeClock) -> None:
    """Of tenants together; of a configured one and of those that were made here before."""
    auth = await start_auth()
    old_root = (await _authority(auth)).fingerprint(hashes.SHA256()).hex()
    number = await _issue(auth)
    await _revoke(auth, number)
    made = certificates.authority("Issuing", now=to_datetime(clock()))
    rules = CertificateRules(authority=Authority(chain=[made.certificate], key=made.key, configured=True))
    auth = await start_auth(certificates=rules)
    present = await _list(auth)
    assert (_numbers(present), present.issuer) == ([], "CN=Issuing")
    assert _numbers(await _list(auth, old_root.upper())) == [number]
    assert _numbers(await _list(auth, present.authority_fingerprint)) == []
    with refused(grpc.StatusCode.NOT_FOUND, "CERTIFICATE_AUTHORITY_UNKNOWN"):
        await _list(auth, "ab" * 32)
