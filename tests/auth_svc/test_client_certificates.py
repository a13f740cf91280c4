"""Certificates that stations show in TLS handshakes: each kind with its exact outcome (A00.FR.401 to .405)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import grpc
import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from csms.auth.v1.certificate_authority_service_pb2 import (
    CheckClientCertificatesItem,
    CheckClientCertificatesRequest,
    CheckClientCertificatesResult,
    ListClientAuthoritiesRequest,
    SignCertificateItem,
    SignCertificatesRequest,
)
from csms.auth.v1.certificate_service_pb2 import RevokeCertificateRequest

from auth_svc import models
from auth_svc.authority import Authority
from auth_svc.certificate_office import CertificateRules
from auth_svc.certificate_statuses import OcspRules
from auth_svc.outbound_http import HttpRules
from auth_svc.outside_revocations import FAILURE_KEPT_US, MOST_LIST_BYTES, ClientRules, RevocationRule
from mesh.runtime.errors import from_status
from mesh.runtime.times import SECOND_US, to_datetime, to_timestamp
from tests import certificates
from tests.auth_svc.conftest import Auth, StartAuth, refused
from tests.certificates import TestAuthority
from tests.client_pki import Form, ListServer, certify, der
from tests.conftest import FakeClock
from tests.contract_pki import Responder
from tests.http_server import HttpRequest, http_server, ok

HERE = HttpRules(private_addresses=True, timeout_s=2.0)
DAY_S = 24 * 3600
UNTRUSTED = "CLIENT_CERTIFICATE_UNTRUSTED"
WEAK = "CLIENT_CERTIFICATE_KEY_WEAK"
NOT_FOR_CLIENTS = "CLIENT_CERTIFICATE_NOT_FOR_CLIENTS"
_WEAK_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505 - on purpose
_RSA = rsa.generate_private_key(65537, 2048)


def _item(
    certificate: bytes, *above: bytes, station_id: str = "CP1", tenant_id: str = "default"
) -> CheckClientCertificatesItem:
    return CheckClientCertificatesItem(
        tenant_id=tenant_id, station_id=station_id, certificate=certificate, intermediates=above
    )


async def _check(auth: Auth, *items: CheckClientCertificatesItem) -> list[CheckClientCertificatesResult]:
    request = CheckClientCertificatesRequest(items=items)
    return list((await auth.signing.CheckClientCertificates(request)).results)


async def _reasons(auth: Auth, *items: CheckClientCertificatesItem) -> list[str]:
    return [_reason(result) for result in await _check(auth, *items)]


def _reason(result: CheckClientCertificatesResult) -> str:
    if not result.HasField("error"):
        return ""
    error = from_status(result.error)
    expected = grpc.StatusCode.UNAUTHENTICATED
    if error.reason == "REVOCATION_UNKNOWN":
        expected = grpc.StatusCode.UNAVAILABLE
    assert error.code is expected
    return str(error.reason)


async def _issue(
    auth: Auth, station_id: str = "CP1", *, key: certificates.Key | None = None, tenant_id: str = "default"
) -> bytes:
    """A certificate of our own authority, in DER."""
    item = SignCertificateItem(
        tenant_id=tenant_id,
        station_id=station_id,
        common_names=[station_id],
        csr=certificates.csr(station_id, key=key, organization="ACME"),
    )
    [result] = (await auth.signing.SignCertificates(SignCertificatesRequest(items=[item]))).results
    assert not result.HasField("error"), result.error
    leaf = x509.load_pem_x509_certificates(result.certificate_chain.encode())[0]
    return leaf.public_bytes(serialization.Encoding.DER)


async def _revoke(auth: Auth, certificate: bytes) -> None:
    number = f"{x509.load_der_x509_certificate(certificate).serial_number:X}"
    await auth.certificates.RevokeCertificate(
        RevokeCertificateRequest(serial_number=number), metadata=await auth.admin()
    )


# Certificates of our own authority


@pytest.mark.parametrize("key", [None, _RSA, certificates.ec_key(ec.SECP384R1())], ids=["p256", "rsa", "p384"])
async def test_a_certificate_that_was_issued_to_the_station_is_valid(auth: Auth, key: certificates.Key | None) -> None:
    shown = await _issue(auth, key=key)
    [result] = await _check(
        auth,
        _item(shown),
    )
    leaf = x509.load_der_x509_certificate(shown)
    assert _reason(result) == ""
    assert (result.common_name, result.serial_number) == ("CP1", f"{leaf.serial_number:X}")
    assert result.fingerprint == leaf.fingerprint(hashes.SHA256()).hex()
    assert result.issuer == leaf.issuer.rfc4514_string()
    assert result.expire_time.seconds == int(leaf.not_valid_after_utc.timestamp())
    assert result.issue_time == to_timestamp(auth.clock())


async def test_a_handshake_that_names_no_tenant_is_one_of_the_default_tenant(auth: Auth) -> None:
    assert await _reasons(auth, _item(await _issue(auth), tenant_id="")) == [""]


async def test_a_certificate_of_another_station_or_tenant_proves_nothing(auth: Auth) -> None:
    """One authority signs for all tenants: whom it was issued to is in its records."""
    shown = await _issue(auth)
    others = _item(shown, station_id="CP2"), _item(shown, tenant_id="acme"), _item(shown)
    assert await _reasons(auth, *others) == [UNTRUSTED, UNTRUSTED, ""]


async def test_a_certificate_without_a_record_proves_nothing(auth: Auth) -> None:
    """As after a leak of the authority's key."""
    shown = await _issue(auth)
    await auth.database.write(lambda connection: connection.execute(sa.delete(models.issued_certificate)))
    assert await _reasons(auth, _item(shown)) == [UNTRUSTED]


async def test_dates_of_a_certificate_of_our_own(auth: Auth) -> None:
    """Before its begin, which is an hour before it was signed, at its last second, and from its end on."""
    shown = await _issue(auth)
    auth.clock.advance(-3600)
    assert await _reasons(auth, _item(shown)) == [""]
    auth.clock.advance(-1)
    assert await _reasons(auth, _item(shown)) == ["CLIENT_CERTIFICATE_NOT_YET_VALID"]
    auth.clock.advance(365 * DAY_S + 3600)
    assert await _reasons(auth, _item(shown)) == [""]
    auth.clock.advance(1)
    assert await _reasons(auth, _item(shown)) == ["CLIENT_CERTIFICATE_EXPIRED"]


async def test_a_revoked_certificate_is_refused_from_the_next_handshake_on(auth: Auth) -> None:
    revoked, other = await _issue(auth), await _issue(auth, "CP2")
    assert await _reasons(auth, _item(revoked)) == [""]
    await _revoke(auth, revoked)
    assert await _reasons(auth, _item(revoked), _item(other, station_id="CP2")) == ["CLIENT_CERTIFICATE_REVOKED", ""]


async def test_a_certificate_of_an_earlier_root_stays_valid(auth: Auth) -> None:
    """Roots follow each other every sixteen years; and what the first one signed holds until its own end."""
    await _issue(auth, "CP9")
    auth.clock.advance(15.9 * 365 * DAY_S)
    shown = await _issue(auth)
    auth.clock.advance(0.2 * 365 * DAY_S)
    later = await _issue(auth, "CP2")
    issuers = {x509.load_der_x509_certificate(one).issuer for one in (shown, later)}
    assert len(issuers) == 2
    assert await _reasons(auth, _item(shown), _item(later, station_id="CP2")) == ["", ""]
    authorities = (await auth.signing.ListClientAuthorities(ListClientAuthoritiesRequest())).certificates
    assert {one.subject for one in x509.load_pem_x509_certificates(authorities.encode())} == issuers


async def test_a_configured_authority_signs_and_its_intermediate_need_not_be_shown(
    start_auth: StartAuth, clock: FakeClock
) -> None:
    now = to_datetime(clock())
    root = certify("Root", None, Form(ca=True, now=now))
    issuing = certify("Issuing", root, Form(ca=True, now=now))
    authority = Authority(chain=[issuing.certificate, root.certificate], key=issuing.key, configured=True)
    auth = await start_auth(certificates=CertificateRules(authority=authority, validity_days=3))
    shown = await _issue(auth)
    beside = certify("CP1", issuing, Form(now=now))  # by the operator's own means: there is no record of it
    assert await _reasons(auth, _item(shown), _item(shown, der(issuing)), _item(der(beside))) == ["", "", UNTRUSTED]
    also = ClientRules(outside=[issuing.certificate])
    trusting = await start_auth(certificates=CertificateRules(authority=authority), clients=also)
    assert await _reasons(trusting, _item(shown), _item(der(beside)), _item(shown, station_id="CP2")) == [
        "",
        "",
        UNTRUSTED,
    ]


async def test_organization_of_the_operator(start_auth: StartAuth) -> None:
    """A00.FR.404: what was signed before the operator named one is no longer accepted."""
    earlier = await _issue(await start_auth())
    auth = await start_auth(certificates=CertificateRules(organization="ACME"))
    now = await _issue(auth, "CP2")
    assert await _reasons(auth, _item(earlier), _item(now, station_id="CP2")) == [
        "CLIENT_CERTIFICATE_ORGANIZATION_WRONG",
        "",
    ]


# Certificates of other parties' authorities


@dataclass(frozen=True, kw_only=True)
class Maker:
    """A manufacturer of stations: a root, which is trusted, and an authority below it."""

    root: TestAuthority
    issuing: TestAuthority
    now: datetime

    def leaf(self, common_name: str = "SN-1", **form: object) -> TestAuthority:
        """A certificate of a station."""
        return certify(common_name, self.issuing, replace(Form(now=self.now), **form))  # type: ignore[arg-type]


@pytest.fixture
def maker(clock: FakeClock) -> Maker:
    """A manufacturer whose certificates name neither responder nor list."""
    now = to_datetime(clock())
    root = certify("Maker root", None, Form(ca=True, now=now))
    return Maker(root=root, issuing=certify("Maker issuing", root, Form(ca=True, path_length=0, now=now)), now=now)


async def _trusting(start_auth: StartAuth, *roots: TestAuthority, rule: str = "named", **settings: object) -> Auth:
    outside = [one.certificate for one in roots]
    return await start_auth(
        clients=ClientRules(outside=outside, revocation=RevocationRule(rule)), ocsp=OcspRules(http=HERE), **settings
    )


async def test_a_certificate_from_elsewhere_with_the_serial_number_of_one_of_ours_is_not_ours(
    start_auth: StartAuth, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the same station and in the same name: it has no issue time, and is not revoked with ours."""
    auth = await _trusting(start_auth, maker.issuing)
    ours = await _issue(auth)
    number = x509.load_der_x509_certificate(ours).serial_number
    monkeypatch.setattr(x509, "random_serial_number", lambda: number)
    outside = der(maker.leaf("CP1", organization="ACME"))
    assert x509.load_der_x509_certificate(outside).serial_number == number
    await _revoke(auth, ours)
    of_ours, of_outside = await _check(auth, _item(ours), _item(outside))
    assert (_reason(of_ours), of_ours.HasField("issue_time")) == ("CLIENT_CERTIFICATE_REVOKED", True)
    assert (_reason(of_outside), of_outside.HasField("issue_time")) == ("", False)
    assert of_ours.serial_number == of_outside.serial_number


_CASES: list[tuple[str, Callable[[Maker], TestAuthority], str]] = [
    ("valid, ECDSA", lambda maker: maker.leaf(), ""),
    ("valid, RSA", lambda maker: maker.leaf(key=_RSA), ""),
    ("valid, no extended key usage", lambda maker: maker.leaf(uses=()), ""),
    ("expired", lambda maker: maker.leaf(begin_days=-10, days=9), "CLIENT_CERTIFICATE_EXPIRED"),
    ("not yet valid", lambda maker: maker.leaf(begin_days=1, days=2), "CLIENT_CERTIFICATE_NOT_YET_VALID"),
    ("RSA too short", lambda maker: maker.leaf(key=_WEAK_RSA), WEAK),
    ("EC too short", lambda maker: maker.leaf(key=certificates.ec_key(ec.SECP224R1())), WEAK),
    ("server alone", lambda maker: maker.leaf(uses=(ExtendedKeyUsageOID.SERVER_AUTH,)), NOT_FOR_CLIENTS),
    ("key does not sign", lambda maker: maker.leaf(signs=False), NOT_FOR_CLIENTS),
    ("unknown critical extension", lambda maker: maker.leaf(unknown_critical=True), UNTRUSTED),
    ("an authority itself", lambda maker: certify("SN-1", maker.root, Form(ca=True, now=maker.now)), NOT_FOR_CLIENTS),
]


@pytest.mark.parametrize(("make", "reason"), [case[1:] for case in _CASES], ids=[case[0] for case in _CASES])
async def test_certificates_of_an_outside_authority(
    start_auth: StartAuth, maker: Maker, make: Callable[[Maker], TestAuthority], reason: str
) -> None:
    """And whatever is wrong with one, its neighbour in the batch is let in."""
    auth = await _trusting(start_auth, maker.root)
    shown, neighbour = _item(der(make(maker)), der(maker.issuing)), _item(der(maker.leaf()), der(maker.issuing))
    assert await _reasons(auth, shown, neighbour) == [reason, ""]


async def test_an_extension_that_is_critical_and_not_known_is_named(start_auth: StartAuth, maker: Maker) -> None:
    auth = await _trusting(start_auth, maker.root)
    shown = maker.leaf(unknown_critical=True)
    [result] = await _check(auth, _item(der(shown), der(maker.issuing)))
    [unknown] = [one.oid for one in shown.certificate.extensions if isinstance(one.value, x509.UnrecognizedExtension)]
    assert f"critical and not known here: {unknown.dotted_string}" in from_status(result.error).message


async def test_paths_to_an_outside_authority(start_auth: StartAuth, maker: Maker) -> None:
    """Complete by what the station shows, in any order and with the root; not without the intermediate."""
    auth = await _trusting(start_auth, maker.root)
    leaf, issuing, root = der(maker.leaf()), der(maker.issuing), der(maker.root)
    other = certify("Other", None, Form(ca=True, now=maker.now))
    assert await _reasons(
        auth, _item(leaf, issuing), _item(leaf, root, der(other), issuing), _item(leaf), _item(leaf, root)
    ) == ["", "", UNTRUSTED, UNTRUSTED]
    trusting_issuing = await _trusting(start_auth, maker.issuing)
    assert await _reasons(trusting_issuing, _item(leaf)) == [""]


async def test_paths_that_lead_elsewhere(start_auth: StartAuth, maker: Maker) -> None:
    """A root that the station brings along is none; nor is one of the same name; nor may a station sign others."""
    auth = await _trusting(start_auth, maker.root)
    other = certify("Maker root", None, Form(ca=True, now=maker.now))
    forged = certify("SN-1", other, Form(now=maker.now))
    leaf = maker.leaf("SN-0")
    below = certify("SN-1", leaf, Form(now=maker.now))
    beyond = certify("Deeper", maker.issuing, Form(ca=True, now=maker.now))  # path length 0 forbids it
    deep = certify("SN-1", beyond, Form(now=maker.now))
    own = certify("SN-1", None, Form(now=maker.now))
    cannot = certify("No signer", maker.root, Form(ca=True, signs=False, now=maker.now))
    assert (
        await _reasons(
            auth,
            _item(der(forged), der(other)),
            _item(der(below), der(leaf), der(maker.issuing)),
            _item(der(deep), der(beyond), der(maker.issuing)),
            _item(der(own)),
            _item(der(certify("SN-1", cannot, Form(now=maker.now))), der(cannot)),
        )
        == [UNTRUSTED] * 5
    )


async def test_an_authority_above_that_has_expired(start_auth: StartAuth, maker: Maker) -> None:
    """Its renewed certificate, with the same key, makes a path that holds."""
    form = Form(ca=True, now=maker.now, begin_days=-10, days=9)
    expired = certify("Sub", maker.root, form)
    renewed = certify("Sub", maker.root, replace(form, key=expired.key, begin_days=-1))
    leaf = certify("SN-1", expired, Form(now=maker.now))
    auth = await _trusting(start_auth, maker.root)
    assert await _reasons(auth, _item(der(leaf), der(expired)), _item(der(leaf), der(expired), der(renewed))) == [
        "CLIENT_CERTIFICATE_EXPIRED",
        "",
    ]


async def test_weak_hashes_along_the_path(start_auth: StartAuth, maker: Maker) -> None:
    """Not of what is trusted itself: nobody verifies the signature of a root."""
    root = certify("Old root", None, Form(ca=True, now=maker.now, algorithm=hashes.SHA224()))
    fine = certify("SN-1", root, Form(now=maker.now))
    weak = certify("SN-1", root, Form(now=maker.now, algorithm=hashes.SHA224()))
    auth = await _trusting(start_auth, root)
    assert await _reasons(auth, _item(der(fine)), _item(der(weak))) == ["", WEAK]


async def test_organization_of_an_outside_certificate(start_auth: StartAuth, maker: Maker) -> None:
    auth = await _trusting(start_auth, maker.root, certificates=CertificateRules(organization="ACME"))
    named = [maker.leaf(organization=one) for one in ("ACME", "Other", None)]
    wrong = "CLIENT_CERTIFICATE_ORGANIZATION_WRONG"
    assert await _reasons(auth, *(_item(der(one), der(maker.issuing)) for one in named)) == ["", wrong, wrong]


async def test_what_cannot_be_read(auth: Auth, maker: Maker) -> None:
    leaf = der(maker.leaf())
    items = [_item(b""), _item(b"no certificate"), _item(leaf[:-20]), _item(leaf, b"junk"), _item(leaf, *[leaf] * 5)]
    assert await _reasons(auth, *items) == ["CLIENT_CERTIFICATE_UNREADABLE"] * 5
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "items"):
        await _check(auth, *[_item(leaf)] * 65)


async def test_no_outside_authority_is_trusted_unless_it_is_named(auth: Auth, maker: Maker) -> None:
    assert await _reasons(auth, _item(der(maker.leaf()), der(maker.issuing))) == [UNTRUSTED]
    assert (await auth.signing.ListClientAuthorities(ListClientAuthoritiesRequest())).certificates == ""


async def test_authorities_are_listed_without_those_that_have_expired(
    start_auth: StartAuth, maker: Maker, clock: FakeClock
) -> None:
    auth = await _trusting(start_auth, maker.root, maker.issuing, maker.root)
    await _issue(auth)
    listed = (await auth.signing.ListClientAuthorities(ListClientAuthoritiesRequest())).certificates
    assert len(x509.load_pem_x509_certificates(listed.encode())) == 3
    clock.advance(6 * DAY_S)
    listed = (await auth.signing.ListClientAuthorities(ListClientAuthoritiesRequest())).certificates
    [own] = x509.load_pem_x509_certificates(listed.encode())
    assert "root" in own.subject.rfc4514_string()


# Revocation by outside authorities


@asynccontextmanager
async def _served(maker: Maker) -> AsyncIterator[tuple[Responder, ListServer, str, str]]:
    """The responder and the list of the maker's issuing authority, with their URLs."""
    responder = Responder(signer=maker.issuing, now=maker.now, with_certificates=False)
    lists = ListServer(signer=maker.issuing, now=maker.now)
    async with http_server(responder.answer) as one, http_server(lists.answer) as other:
        yield responder, lists, one.url, other.url


async def test_revocation_by_ocsp(start_auth: StartAuth, maker: Maker) -> None:
    """Asked once until its nextUpdate; the response need not have the issuer's certificate, which is in the path."""
    auth = await _trusting(start_auth, maker.root)
    async with _served(maker) as (responder, _lists, url, _list_url):
        good, revoked = maker.leaf(responder=url), maker.leaf(responder=url)
        responder.statuses[revoked.certificate.serial_number] = ocsp.OCSPCertStatus.REVOKED
        items = [_item(der(one), der(maker.issuing)) for one in (good, revoked)]
        for _ in range(2):
            assert await _reasons(auth, *items) == ["", "CLIENT_CERTIFICATE_REVOKED"]
        assert len(responder.asked) == 2


async def test_revocation_by_a_list(start_auth: StartAuth, maker: Maker, clock: FakeClock) -> None:
    """One list for all stations of the authority, kept until its nextUpdate."""
    auth = await _trusting(start_auth, maker.root)
    async with _served(maker) as (_responder, lists, _url, list_url):
        leaves = [maker.leaf(f"SN-{number}", list_url=list_url) for number in range(5)]
        lists.revoked = [leaves[3].certificate.serial_number]
        items = [_item(der(one), der(maker.issuing)) for one in leaves]
        assert await _reasons(auth, *items) == ["", "", "", "CLIENT_CERTIFICATE_REVOKED", ""]
        assert lists.asked == 1
        clock.advance(3601)
        lists.now, lists.revoked = to_datetime(clock()), [leaves[0].certificate.serial_number]
        assert await _reasons(auth, items[0], items[3]) == ["CLIENT_CERTIFICATE_REVOKED", ""]
        assert lists.asked == 2


async def test_a_list_where_the_responder_is_away(start_auth: StartAuth, maker: Maker) -> None:
    auth = await _trusting(start_auth, maker.root)
    async with _served(maker) as (_responder, lists, _url, list_url):
        leaf = maker.leaf(responder="http://127.0.0.1:9/", list_url=list_url)
        lists.revoked = [leaf.certificate.serial_number]
        assert await _reasons(auth, _item(der(leaf), der(maker.issuing))) == ["CLIENT_CERTIFICATE_REVOKED"]


async def test_an_intermediate_that_is_revoked(start_auth: StartAuth, maker: Maker) -> None:
    lists = ListServer(signer=maker.root, now=maker.now)
    async with http_server(lists.answer) as server:
        sub = certify("Sub", maker.root, Form(ca=True, now=maker.now, list_url=server.url))
        leaf = certify("SN-1", sub, Form(now=maker.now))
        lists.revoked = [sub.certificate.serial_number]
        auth = await _trusting(start_auth, maker.root)
        assert await _reasons(auth, _item(der(leaf), der(sub))) == ["CLIENT_CERTIFICATE_REVOKED"]


@pytest.mark.parametrize(
    ("rule", "named", "unnamed"),
    [("named", "REVOCATION_UNKNOWN", ""), ("soft", "", ""), ("always", "REVOCATION_UNKNOWN", "REVOCATION_UNKNOWN")],
)
async def test_how_strictly_revocation_is_checked(
    start_auth: StartAuth, maker: Maker, rule: str, named: str, unnamed: str
) -> None:
    """A responder that is not there, and a certificate that names none."""
    auth = await _trusting(start_auth, maker.root, rule=rule)
    leaves = maker.leaf(responder="http://127.0.0.1:9/"), maker.leaf()
    assert await _reasons(auth, *(_item(der(one), der(maker.issuing)) for one in leaves)) == [named, unnamed]


async def test_a_responder_that_failed_is_left_alone_for_a_moment(
    start_auth: StartAuth, maker: Maker, clock: FakeClock
) -> None:
    """A fleet that comes back would ask it at once; a good answer counts as soon as there is one."""
    auth = await _trusting(start_auth, maker.root)
    asked = 0
    good = Responder(signer=maker.issuing, now=maker.now)

    async def answer(request: HttpRequest) -> bytes:
        nonlocal asked
        asked += 1
        return b"HTTP/1.0 500 Broken\r\n\r\n" if asked == 1 else await good.answer(request)

    async with http_server(answer) as server:
        item = _item(der(maker.leaf(responder=server.url)), der(maker.issuing))
        assert [await _reasons(auth, item) for _ in range(3)] == [["REVOCATION_UNKNOWN"]] * 3
        assert asked == 1
        clock.advance(FAILURE_KEPT_US / SECOND_US)
        assert await _reasons(auth, item) == [""]


def _foreign(maker: Maker) -> bytes:
    other = certify("Maker issuing", None, Form(ca=True, now=maker.now))
    return ListServer(signer=other, now=maker.now).make()


_LISTS: dict[str, Callable[[Maker], bytes]] = {
    "no list": lambda _maker: b"<html>",
    "of another key": _foreign,
    "out of date": lambda maker: ListServer(signer=maker.issuing, now=maker.now - timedelta(hours=2)).make(),
    "of the future": lambda maker: ListServer(signer=maker.issuing, now=maker.now + timedelta(hours=1)).make(),
    "too large": lambda _maker: bytes(MOST_LIST_BYTES + 1),
}


@pytest.mark.parametrize("make", _LISTS.values(), ids=_LISTS.keys())
async def test_a_list_that_is_of_no_use(start_auth: StartAuth, maker: Maker, make: Callable[[Maker], bytes]) -> None:
    auth = await _trusting(start_auth, maker.root)

    async def answer(_request: HttpRequest) -> bytes:
        return ok(make(maker))

    async with http_server(answer) as server:
        leaf = maker.leaf(list_url=server.url)
        assert await _reasons(auth, _item(der(leaf), der(maker.issuing))) == ["REVOCATION_UNKNOWN"]


async def test_a_responder_within_the_network_is_not_asked(start_auth: StartAuth, maker: Maker) -> None:
    """Unless an operator allows it: its URL stands in a certificate that a station shows."""
    rules = ClientRules(outside=[maker.root.certificate])
    auth = await start_auth(clients=rules)
    async with _served(maker) as (responder, lists, url, list_url):
        leaf = maker.leaf(responder=url, list_url=list_url)
        assert await _reasons(auth, _item(der(leaf), der(maker.issuing))) == ["REVOCATION_UNKNOWN"]
        assert (responder.asked, lists.asked) == ([], 0)
