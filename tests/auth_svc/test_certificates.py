"""Certificates of stations: what is signed, what is refused, and by whom."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from csms.auth.v1.certificate_authority_service_pb2 import (
    SignCertificateItem,
    SignCertificateResult,
    SignCertificatesRequest,
)
from csms.auth.v1.certificate_service_pb2 import (
    CertificateAuthority,
    GetCertificateAuthorityRequest,
    IssuedCertificate,
    ListIssuedCertificatesRequest,
)
from csms.common.v1 import certificate_pb2

from auth_svc.authority import Authority, read_files
from auth_svc.certificate_office import CertificateRules
from auth_svc.housekeeping import retention_task
from auth_svc.signing_requests import digest_of, read_request
from mesh.runtime.errors import from_status
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import SECOND_US, from_timestamp, to_datetime, to_timestamp
from tests import certificates
from tests.auth_svc.conftest import Auth, StartAuth, refused
from tests.conftest import FakeClock

DAY_S = 24 * 3600


def _item(csr: str, *, station_id: str = "CP1", names: tuple[str, ...] = ("CP1", "SN-1")) -> SignCertificateItem:
    return SignCertificateItem(tenant_id="default", station_id=station_id, common_names=names, csr=csr)


async def _sign(auth: Auth, *items: SignCertificateItem) -> list[SignCertificateResult]:
    return list((await auth.signing.SignCertificates(SignCertificatesRequest(items=items))).results)


async def _authority(auth: Auth) -> CertificateAuthority:
    response = await auth.certificates.GetCertificateAuthority(
        GetCertificateAuthorityRequest(), metadata=await auth.admin()
    )
    return response.certificate_authority


async def _issued(auth: Auth, **request: Any) -> list[IssuedCertificate]:
    response = await auth.certificates.ListIssuedCertificates(
        ListIssuedCertificatesRequest(**request), metadata=await auth.admin()
    )
    return list(response.issued_certificates)


def _leaf(result: SignCertificateResult) -> x509.Certificate:
    assert not result.HasField("error"), result.error
    return x509.load_pem_x509_certificates(result.certificate_chain.encode())[0]


def _reason(result: SignCertificateResult) -> str:
    return from_status(result.error).reason if result.HasField("error") else ""


async def test_a_request_is_signed(auth: Auth) -> None:
    """For the station's own key, as a TLS client and nothing more, by the root that an operator can read."""
    key = certificates.ec_key()
    [result] = await _sign(auth, _item(certificates.csr("CP1", key=key, organization="ACME")))
    leaf = _leaf(result)
    root = x509.load_pem_x509_certificate((await _authority(auth)).root_certificate.encode())
    leaf.verify_directly_issued_by(root)
    assert leaf.public_key() == key.public_key()
    assert leaf.subject == certificates.name("CP1")  # its organization is nothing that we know
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.not_valid_before_utc < to_datetime(auth.clock())
    assert leaf.not_valid_after_utc == to_datetime(auth.clock() + 365 * DAY_S * SECOND_US)
    assert result.expire_time.ToDatetime(UTC) == leaf.not_valid_after_utc
    assert result.serial_number == f"{leaf.serial_number:X}"
    assert leaf.serial_number.bit_length() <= 128


async def test_what_is_listed(auth: Auth) -> None:
    """Newest first, in pages, by station; each told once as an event."""
    for number in (1, 2, 3):
        station = f"CP{number}"
        await _sign(auth, _item(certificates.csr(station), station_id=station, names=(station,)))
        auth.clock.advance(1)
    listed = await _issued(auth)
    assert [one.common_name for one in listed] == ["CP3", "CP2", "CP1"]
    first = x509.load_pem_x509_certificate(listed[0].certificate.encode())
    assert listed[0].sha256_fingerprint == first.fingerprint(hashes.SHA256()).hex()
    assert (listed[0].subject, listed[0].issuer) == (first.subject.rfc4514_string(), first.issuer.rfc4514_string())
    assert listed[0].certificate_type == certificate_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE
    assert [one.station_id for one in await _issued(auth, filter='station_id = "CP2"')] == ["CP2"]
    serial = listed[2].serial_number
    assert [one.station_id for one in await _issued(auth, filter=f'serial_number = "{serial.lower()}"')] == ["CP1"]
    request = ListIssuedCertificatesRequest(page_size=2)
    page = await auth.certificates.ListIssuedCertificates(request, metadata=await auth.admin())
    request.page_token = page.next_page_token
    rest = await auth.certificates.ListIssuedCertificates(request, metadata=await auth.admin())
    assert [one.station_id for one in rest.issued_certificates] == ["CP1"]
    assert [event["commonName"] for event in await auth.events("certificate.issued")] == ["CP1", "CP2", "CP3"]


async def test_the_same_request_gets_the_same_certificate(start_auth: StartAuth, clock: FakeClock) -> None:
    """Within a batch, later, wrapped otherwise, and of two replicas that sign at the same moment."""
    first, second = await start_auth(), await start_auth()
    csr = certificates.csr("CP1")
    bare = "".join(line for line in csr.splitlines() if not line.startswith("-"))
    results = await asyncio.gather(_sign(first, _item(csr), _item(bare)), _sign(second, _item(csr)))
    chains = {result.certificate_chain for batch in results for result in batch}
    clock.advance(100 * DAY_S)
    [later] = await _sign(second, _item(csr.replace("\n", "\\n")))
    assert {later.certificate_chain} == chains
    assert len(await _issued(first)) == 1
    assert len(await first.events("certificate.issued")) == 1


async def test_a_renewal_gets_a_new_certificate(auth: Auth) -> None:
    """With the same request, once two thirds of the time have passed."""
    item = _item(certificates.csr("SN-1"))
    [first] = await _sign(auth, item)
    auth.clock.advance(250 * DAY_S)
    [renewed] = await _sign(auth, item)
    assert renewed.serial_number != first.serial_number
    [again] = await _sign(auth, item)
    assert again == renewed
    assert len(await _issued(auth)) == 2


async def test_a_request_is_not_answered_with_a_certificate_that_proves_the_station_no_more(auth: Auth) -> None:
    """Its time is one that counts, also where the clock of this service is behind that of station_svc."""
    item = _item(certificates.csr("SN-1"))
    [first] = await _sign(auth, item)
    item.issue_from_time.CopyFrom(to_timestamp(auth.clock()))
    [same] = await _sign(auth, item)
    item.issue_from_time.CopyFrom(to_timestamp(auth.clock() + 1))
    [renewed] = await _sign(auth, item)
    [again] = await _sign(auth, item)
    assert (same, again) == (first, renewed)
    assert renewed.serial_number != first.serial_number
    times = {from_timestamp(one.create_time) for one in await _issued(auth)}
    assert times == {auth.clock(), auth.clock() + 1}


async def test_two_stations_with_the_same_request(auth: Auth) -> None:
    """Each has its own: what one station may be called, another may not."""
    csr = certificates.csr("CP1")
    mine, other = await _sign(auth, _item(csr), _item(csr, station_id="CP2", names=("CP2",)))
    assert _reason(mine) == ""
    assert _reason(other) == "CSR_SUBJECT_WRONG"
    assert "its common name is 'CP1', and has to be" in from_status(other.error).message
    assert from_status(other.error).message.endswith(": 'CP2'")


_RIGHT = ("rsa", "p384", "serial number")
_WRONG = ("empty", "no base64", "certificate", "long", "rsa 1024", "p224", "another", "case", "none", "two")
_WEAK_RSA = rsa.generate_private_key(65537, 1024)  # noqa: S505 - on purpose


@pytest.mark.parametrize(
    ("csr", "reason"),
    [
        (certificates.csr("CP1", key=rsa.generate_private_key(65537, 2048)), ""),
        (certificates.csr("CP1", key=certificates.ec_key(ec.SECP384R1())), ""),
        (certificates.csr("SN-1"), ""),
        ("", "CSR_UNREADABLE"),
        ("-----BEGIN CERTIFICATE REQUEST-----\n????\n-----END CERTIFICATE REQUEST-----", "CSR_UNREADABLE"),
        (certificates.authority("CP1").pem, "CSR_UNREADABLE"),
        ("é" * 20_000, "CSR_UNREADABLE"),
        (certificates.csr("CP1", key=_WEAK_RSA), "CSR_KEY_WEAK"),
        (certificates.csr("CP1", key=certificates.ec_key(ec.SECP224R1())), "CSR_KEY_WEAK"),
        (certificates.csr("CP2"), "CSR_SUBJECT_WRONG"),
        (certificates.csr("cp1"), "CSR_SUBJECT_WRONG"),
        (certificates.csr(organization="CP1"), "CSR_SUBJECT_WRONG"),
        (certificates.csr("CP1", "SN-1"), "CSR_SUBJECT_WRONG"),
    ],
    ids=[*_RIGHT, *_WRONG],  # the requests themselves differ from process to process
)  # fmt: skip
async def test_what_is_signed(auth: Auth, csr: str, reason: str) -> None:
    """RSA from 2048 bits, EC from 256, one common name that is the station's; its neighbour is signed all the same."""
    result, neighbour = await _sign(auth, _item(csr), _item(certificates.csr("SN-1")))
    assert _reason(result) == reason
    assert _reason(neighbour) == ""
    assert len(await _issued(auth)) == (1 if reason else 2)


def _tampered(csr: str) -> str:
    """The request with another common name of the same length, and so with a wrong signature."""
    request = read_request(csr)
    der = request.public_bytes(serialization.Encoding.DER)
    assert der.count(b"CP9") == 1
    return base64.b64encode(der.replace(b"CP9", b"CP1")).decode()


async def test_a_request_that_was_tampered_with(auth: Auth) -> None:
    """Its own signature has to hold: else anybody could have a key signed that is not theirs."""
    [result] = await _sign(auth, _item(_tampered(certificates.csr("CP9"))))
    assert _reason(result) == "CSR_SIGNATURE_WRONG"


async def test_weak_hashes_are_refused(auth: Auth) -> None:
    """SHA-224 is less than OCPP asks for."""
    [result] = await _sign(auth, _item(certificates.csr("CP1", algorithm=hashes.SHA224())))
    assert _reason(result) == "CSR_SIGNATURE_WRONG"


async def test_the_organization(start_auth: StartAuth) -> None:
    auth = await start_auth(certificates=CertificateRules(organization="ACME"))
    results = await _sign(auth, *(_item(certificates.csr("CP1", organization=one)) for one in ("ACME", "Other", None)))
    assert [_reason(result) for result in results] == ["", "CSR_SUBJECT_WRONG", "CSR_SUBJECT_WRONG"]


async def test_items_that_say_too_little(auth: Auth) -> None:
    """No station; a certificate towards vehicles; too many at once."""
    nobody, vehicles = _item(certificates.csr("CP1"), station_id=""), _item(certificates.csr("CP1"))
    vehicles.certificate_type = certificate_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE
    results = await _sign(auth, nobody, vehicles, _item(certificates.csr("CP1")))
    assert [_reason(result) for result in results] == ["INVALID_FIELD", "CERTIFICATE_TYPE_NOT_SIGNED", ""]
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "items"):
        await _sign(auth, *[nobody] * 65)


async def test_our_own_root(start_auth: StartAuth, clock: FakeClock) -> None:
    """One for all replicas, kept over a restart, and followed by the next before its end comes near."""
    first, second = await start_auth(), await start_auth()
    roots = await asyncio.gather(_authority(first), _authority(second))
    assert roots[0] == roots[1]
    assert not roots[0].configured
    third = await start_auth()
    assert await _authority(third) == roots[0]
    clock.advance(16 * 365 * DAY_S)
    assert (await _authority(third)).sha256_fingerprint == roots[0].sha256_fingerprint
    clock.advance(DAY_S)
    follower = await _authority(third)
    assert follower.sha256_fingerprint != roots[0].sha256_fingerprint
    assert (await _authority(first)).sha256_fingerprint == follower.sha256_fingerprint


async def test_nobody_outlives_the_authority(start_auth: StartAuth, clock: FakeClock) -> None:
    """A certificate ends with its issuer's at the latest."""
    made = certificates.authority("Issuing", now=to_datetime(clock()))
    auth = await start_auth(
        certificates=CertificateRules(
            authority=Authority(chain=[made.certificate], key=made.key, configured=True), validity_days=30
        )
    )
    [result] = await _sign(auth, _item(certificates.csr("CP1")))
    assert _leaf(result).not_valid_after_utc == made.certificate.not_valid_after_utc


async def test_ended_certificates_are_removed(start_auth: StartAuth) -> None:
    auth = await start_auth(certificates=CertificateRules(validity_days=10))
    await _sign(auth, _item(certificates.csr("CP1")))
    retention = retention_task(database=auth.database, clock=auth.clock, outbox_days=99, certificate_days=5)
    auth.clock.advance(15 * DAY_S)
    await retention.remove_old()
    assert len(await _issued(auth)) == 1
    auth.clock.advance(1)
    await retention.remove_old()
    assert await _issued(auth) == []


# The authority of an operator


def _files(folder: Path, chain: str, key: str) -> tuple[str, str]:
    (folder / "ca.pem").write_text(chain)
    (folder / "ca.key").write_text(key)
    return str(folder / "ca.pem"), str(folder / "ca.key")


async def test_an_intermediate_of_the_operator(start_auth: StartAuth, clock: FakeClock, tmp_path: Path) -> None:
    """It signs, and a station is sent what is between it and the root."""
    now = to_datetime(clock())
    root = certificates.authority("Root", now=now)
    issuing = certificates.authority("Issuing", issuer=root, now=now)
    files = _files(tmp_path, issuing.pem + root.pem, certificates.key_pem(issuing.key))
    auth = await start_auth(certificates=CertificateRules(authority=read_files(*files, now_us=clock())))
    [result] = await _sign(auth, _item(certificates.csr("CP1")))
    chain = x509.load_pem_x509_certificates(result.certificate_chain.encode())
    assert chain[1:] == [issuing.certificate]
    chain[0].verify_directly_issued_by(issuing.certificate)
    told = await _authority(auth)
    assert told.configured
    assert told.certificate_chain == issuing.pem + root.pem
    assert told.root_certificate == root.pem


async def test_another_authority_signs_anew(start_auth: StartAuth, clock: FakeClock) -> None:
    """A station that asks again after the operator changed the authority gets a certificate of the new one."""
    item = _item(certificates.csr("CP1"))
    [before] = await _sign(await start_auth(), item)
    made = certificates.authority("Issuing", now=to_datetime(clock()))
    rules = CertificateRules(authority=Authority(chain=[made.certificate], key=made.key, configured=True))
    [after] = await _sign(await start_auth(certificates=rules), item)
    assert after.serial_number != before.serial_number
    _leaf(after).verify_directly_issued_by(made.certificate)


def _wrong_files() -> list[tuple[str, str, str]]:
    root, other = certificates.authority("Root"), certificates.authority("Other")
    leaf = certificates.authority("Leaf", issuer=root, ca=False)
    old = certificates.authority("Old", now=datetime.now(UTC) - timedelta(days=30))
    key = certificates.key_pem
    return [
        ("", key(root.key), "no certificate"),
        (root.pem, "nothing", "no private key"),
        (root.pem, key(other.key), "is not the key"),
        (leaf.pem, key(leaf.key), "may not sign"),
        (old.pem, key(old.key), "not valid now"),
        (root.pem + other.pem, key(root.key), "signed by the next"),
    ]


@pytest.mark.parametrize(("chain", "key", "message"), _wrong_files(), ids=range(6))
def test_authorities_that_cannot_sign(tmp_path: Path, chain: str, key: str, message: str) -> None:
    """Told at the start, in one line without the key."""
    now_us = int(datetime.now(UTC).timestamp()) * SECOND_US
    with pytest.raises(SettingError, match=message) as caught:
        read_files(*_files(tmp_path, chain, key), now_us=now_us)
    assert "\n" not in str(caught.value)
    with pytest.raises(SettingError, match="cannot read"):
        read_files(str(tmp_path / "none"), str(tmp_path / "none"), now_us=now_us)


async def test_viewers_may_read_certificates(auth: Auth) -> None:
    """They hold no secret: the private key of the authority leaves nowhere."""
    [result] = await _sign(auth, _item(certificates.csr("CP1")))
    told = json.dumps([str(await _authority(auth)), str(await _issued(auth)), result.certificate_chain])
    assert "PRIVATE" not in told
    with refused(grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.certificates.ListIssuedCertificates(ListIssuedCertificatesRequest())


def test_a_digest_is_of_the_request_itself() -> None:
    csr = certificates.csr("CP1")
    assert digest_of(read_request(csr)) == digest_of(read_request(csr.replace("\n", "\r\n")))
    assert digest_of(read_request(csr)) != digest_of(read_request(certificates.csr("CP1")))
