"""The status of certificates by OCSP: encoded, asked, checked, kept. The responder is real, on this machine."""

import asyncio
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from csms.auth.v1.certificate_exchange_service_pb2 import (
    GetCertificateStatusesRequest,
    GetCertificateStatusItem,
    GetCertificateStatusResult,
    OcspRequestData,
)
from csms.common.v1.origin_pb2 import Origin
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import CertificateHashData

from auth_svc.certificate_statuses import OcspRules
from auth_svc.ocsp_messages import key_hash
from auth_svc.outbound_http import HttpRules
from mesh.runtime.times import to_datetime
from tests.auth_svc.conftest import Auth, StartAuth
from tests.certificates import TestAuthority
from tests.conftest import FakeClock
from tests.contract_pki import Responder, Shape, certify
from tests.http_server import HttpRequest, HttpServer, http_server, ok

HERE = HttpRules(private_addresses=True, timeout_s=2.0, most_bytes=20_000)


def _root(clock: FakeClock) -> TestAuthority:
    return certify("Root", None, Shape(ca=True, now=to_datetime(clock())))


def _leaf(clock: FakeClock, issuer: TestAuthority) -> TestAuthority:
    return certify("Station", issuer, Shape(now=to_datetime(clock())))


def _hashed(leaf: x509.Certificate, issuer: x509.Certificate) -> CertificateHashData:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(issuer.subject.public_bytes())
    return CertificateHashData(
        hash_algorithm=certificate_pb2.HASH_ALGORITHM_SHA256,
        issuer_name_hash=digest.finalize().hex(),
        issuer_key_hash=key_hash(issuer, hashes.SHA256()).hex(),
        serial_number=f"{leaf.serial_number:x}",
    )


async def _ask(auth: Auth, *asked: tuple[CertificateHashData, str]) -> list[GetCertificateStatusResult]:
    items = [
        GetCertificateStatusItem(
            origin=Origin(tenant_id="default", station_id="CP1"),
            ocsp_request_data=OcspRequestData(certificate_hash_data=data, responder_url=url),
        )
        for data, url in asked
    ]
    return list((await auth.exchange.GetCertificateStatuses(GetCertificateStatusesRequest(items=items))).results)


async def _ask_one(auth: Auth, leaf: TestAuthority, issuer: TestAuthority, url: str) -> GetCertificateStatusResult:
    [result] = await _ask(auth, (_hashed(leaf.certificate, issuer.certificate), url))
    return result


@pytest.fixture
async def auth(start_auth: StartAuth) -> Auth:
    """auth_svc that may ask responders on this machine, and trusts no certificate."""
    return await start_auth(ocsp=OcspRules(http=HERE))


async def test_response_of_the_issuer_is_passed_on_whole(auth: Auth, clock: FakeClock) -> None:
    root = _root(clock)
    leaf = _leaf(clock, root)
    responder = Responder(signer=root, now=to_datetime(clock()))
    async with http_server(responder.answer) as server:
        result = await _ask_one(auth, leaf, root, server.url)
    response = ocsp.load_der_ocsp_response(result.ocsp_response)
    assert (response.serial_number, response.certificate_status) == (
        leaf.certificate.serial_number,
        ocsp.OCSPCertStatus.GOOD,
    )
    assert result.reason == ""


async def test_status_of_a_revoked_certificate_is_a_response_too(auth: Auth, clock: FakeClock) -> None:
    root = _root(clock)
    leaf = _leaf(clock, root)
    revoked = {leaf.certificate.serial_number: ocsp.OCSPCertStatus.REVOKED}
    async with http_server(Responder(signer=root, now=to_datetime(clock()), statuses=revoked).answer) as server:
        result = await _ask_one(auth, leaf, root, server.url)
    assert ocsp.load_der_ocsp_response(result.ocsp_response).certificate_status is ocsp.OCSPCertStatus.REVOKED


@pytest.mark.parametrize(
    ("algorithm", "size"),
    [
        (certificate_pb2.HASH_ALGORITHM_SHA256, 32),
        (certificate_pb2.HASH_ALGORITHM_SHA384, 48),
        (certificate_pb2.HASH_ALGORITHM_SHA512, 64),
    ],
)
@pytest.mark.parametrize("serial_number", ["7", "0A1", "00FF", "abcDEF0123", "f" * 40])
async def test_request_is_encoded_from_whatever_a_station_writes(
    auth: Auth, clock: FakeClock, algorithm: certificate_pb2.HashAlgorithm.ValueType, size: int, serial_number: str
) -> None:
    """A known fault of another system: requests that cannot be encoded, as by an odd count of hexadecimal digits."""
    responder = Responder(signer=_root(clock), now=to_datetime(clock()))
    data = CertificateHashData(
        hash_algorithm=algorithm,
        issuer_name_hash="Ab" * size,
        issuer_key_hash="0C" * size,
        serial_number=serial_number,
    )
    async with http_server(responder.answer) as server:
        await _ask(auth, (data, server.url))
    [asked] = responder.asked
    assert asked.serial_number == int(serial_number, 16)
    assert (asked.issuer_name_hash, asked.issuer_key_hash) == (bytes([0xAB]) * size, bytes([0x0C]) * size)
    assert asked.hash_algorithm.digest_size == size


@pytest.mark.parametrize(
    "changes",
    [
        {"serial_number": "xyz"},
        {"serial_number": "0"},
        {"serial_number": "-1"},
        {"serial_number": "1_0"},
        {"issuer_name_hash": "ab"},
        {"issuer_key_hash": "no hexadecimal"},
        {"hash_algorithm": certificate_pb2.HASH_ALGORITHM_UNSPECIFIED},
    ],
)
async def test_hashes_that_name_no_certificate_fail_alone(
    auth: Auth, clock: FakeClock, changes: dict[str, str]
) -> None:
    root = _root(clock)
    leaf = _leaf(clock, root)
    sound = _hashed(leaf.certificate, root.certificate)
    broken = CertificateHashData()
    broken.CopyFrom(sound)
    for field, value in changes.items():
        setattr(broken, field, value)
    async with http_server(Responder(signer=root, now=to_datetime(clock())).answer) as server:
        first, second = await _ask(auth, (broken, server.url), (sound, server.url))
    assert (first.reason, first.ocsp_response) == ("OCSP_REQUEST_INVALID", b"")
    assert second.ocsp_response


async def test_response_is_kept_until_its_next_update(auth: Auth, clock: FakeClock) -> None:
    root = _root(clock)
    leaf = _leaf(clock, root)
    responder = Responder(signer=root, now=to_datetime(clock()), lasts=timedelta(seconds=600))
    async with http_server(responder.answer) as server:
        first = await _ask_one(auth, leaf, root, server.url)
        clock.advance(599)
        assert await _ask_one(auth, leaf, root, server.url) == first
        assert len(responder.asked) == 1
        clock.advance(1)
        responder.now = to_datetime(clock())
        assert await _ask_one(auth, leaf, root, server.url) != first
        assert len(responder.asked) == 2


async def test_response_without_next_update_is_kept_for_a_day(auth: Auth, clock: FakeClock) -> None:
    root = _root(clock)
    leaf = _leaf(clock, root)
    responder = Responder(signer=root, now=to_datetime(clock()), lasts=None)
    async with http_server(responder.answer) as server:
        for _ in range(2):
            assert (await _ask_one(auth, leaf, root, server.url)).ocsp_response
            clock.advance(24 * 3600 - 1)
        assert len(responder.asked) == 1
        assert (await _ask_one(auth, leaf, root, server.url)).reason == "OCSP_RESPONSE_INVALID"


# Signatures


async def test_responder_that_the_issuer_certified_may_sign(auth: Auth, clock: FakeClock) -> None:
    """RFC 6960, 4.2.2.2: the certificate of the responder, and here that of the issuer, are in the response."""
    root = _root(clock)
    leaf = _leaf(clock, root)
    signer = certify("Responder", root, Shape(signs_ocsp=True, now=to_datetime(clock())))
    responder = Responder(signer=signer, now=to_datetime(clock()), extra=(root.certificate,))
    async with http_server(responder.answer) as server:
        assert (await _ask_one(auth, leaf, root, server.url)).ocsp_response


async def test_issuer_is_found_among_the_trusted_certificates(start_auth: StartAuth, clock: FakeClock) -> None:
    root = _root(clock)
    leaf = _leaf(clock, root)
    auth = await start_auth(ocsp=OcspRules(http=HERE, trusted=[root.certificate]))
    responder = Responder(signer=root, now=to_datetime(clock()), with_certificates=False)
    async with http_server(responder.answer) as server:
        assert (await _ask_one(auth, leaf, root, server.url)).ocsp_response


@pytest.mark.parametrize("kind", ["stranger", "same name", "not for it", "expired", "without certificates"])
async def test_response_that_is_not_signed_for_the_issuer_is_refused(auth: Auth, clock: FakeClock, kind: str) -> None:
    root, now = _root(clock), to_datetime(clock())
    leaf = _leaf(clock, root)
    signers = {
        "stranger": certify("Stranger", None, Shape(ca=True, signs_ocsp=True, now=now)),
        "same name": certify("Root", None, Shape(ca=True, signs_ocsp=True, now=now)),
        "not for it": certify("Other", root, Shape(now=now)),
        "expired": certify("Responder", root, Shape(signs_ocsp=True, age_days=11, now=now)),
        "without certificates": root,
    }
    responder = Responder(
        signer=signers[kind], now=now, extra=(root.certificate,), with_certificates=kind != "without certificates"
    )
    async with http_server(responder.answer) as server:
        result = await _ask_one(auth, leaf, root, server.url)
    assert (result.reason, result.ocsp_response) == ("OCSP_RESPONSE_INVALID", b"")


async def test_response_about_another_certificate_is_refused(auth: Auth, clock: FakeClock) -> None:
    root = _root(clock)
    leaf, other = _leaf(clock, root), _leaf(clock, root)
    responder = Responder(signer=root, now=to_datetime(clock()))
    request = ocsp.OCSPRequestBuilder().add_certificate(other.certificate, root.certificate, hashes.SHA256()).build()

    async def answer(_request: HttpRequest) -> bytes:
        return ok(responder.respond(request))

    async with http_server(answer) as server:
        assert (await _ask_one(auth, leaf, root, server.url)).reason == "OCSP_RESPONSE_INVALID"


@pytest.mark.parametrize("hours", [-2, 1])
async def test_response_of_another_time_is_refused(auth: Auth, clock: FakeClock, hours: int) -> None:
    root = _root(clock)
    leaf = _leaf(clock, root)
    responder = Responder(signer=root, now=to_datetime(clock()) + timedelta(hours=hours))
    async with http_server(responder.answer) as server:
        assert (await _ask_one(auth, leaf, root, server.url)).reason == "OCSP_RESPONSE_INVALID"


@pytest.mark.parametrize("status", list(ocsp.OCSPResponseStatus)[1:])
async def test_responder_that_cannot_say_is_not_believed(
    auth: Auth, clock: FakeClock, status: ocsp.OCSPResponseStatus
) -> None:
    root = _root(clock)
    unsuccessful = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)

    async def answer(_request: HttpRequest) -> bytes:
        return ok(unsuccessful)

    async with http_server(answer) as server:
        result = await _ask_one(auth, _leaf(clock, root), root, server.url)
    assert result.reason == "OCSP_RESPONSE_INVALID"


@pytest.mark.parametrize("body", [b"", b"<html>", b"\x30\x03\x0a\x01\x00", b"\x30\x82"])
async def test_answer_that_is_no_response_is_refused(auth: Auth, clock: FakeClock, body: bytes) -> None:
    root = _root(clock)

    async def answer(_request: HttpRequest) -> bytes:
        return ok(body)

    async with http_server(answer) as server:
        result = await _ask_one(auth, _leaf(clock, root), root, server.url)
    assert result.reason == "OCSP_RESPONSE_INVALID"


# Responders


async def test_addresses_of_this_network_are_refused_by_default(start_auth: StartAuth, clock: FakeClock) -> None:
    """The URL comes from outside: nothing at all is sent there."""
    auth = await start_auth()
    root = _root(clock)
    leaf = _leaf(clock, root)
    async with http_server(Responder(signer=root, now=to_datetime(clock())).answer) as server:
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"):
            result = await _ask_one(auth, leaf, root, f"http://{host}:{server.port}/")
            assert result.reason in ("OCSP_RESPONDER_REFUSED", "OCSP_RESPONDER_UNAVAILABLE"), host
            assert not result.ocsp_response
        assert server.requests == []


@pytest.mark.parametrize("url", ["", "ocsp.example.org", "file:///etc/passwd", "http://", "http://u:p@127.0.0.1/"])
async def test_url_that_is_none_is_refused(auth: Auth, clock: FakeClock, url: str) -> None:
    root = _root(clock)
    assert (await _ask_one(auth, _leaf(clock, root), root, url)).reason == "OCSP_REQUEST_INVALID"


def _redirection(server: HttpServer) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {server.url}other\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.mark.parametrize("kind", ["redirection", "error", "too large", "endless", "no HTTP", "nothing"])
async def test_answer_that_is_none_is_no_status(auth: Auth, clock: FakeClock, kind: str) -> None:
    root = _root(clock)
    answers = {
        "error": b"HTTP/1.0 500 Oh\r\nContent-Length: 0\r\n\r\n",
        "too large": ok(bytes(20_001)),
        "endless": b"HTTP/1.0 200 OK\r\n\r\n" + bytes(30_000),
        "no HTTP": b"hello\r\n\r\n",
        "nothing": b"",
    }

    async def answer(_request: HttpRequest) -> bytes:
        return _redirection(server) if kind == "redirection" else answers[kind]

    async with http_server(answer) as server:
        result = await _ask_one(auth, _leaf(clock, root), root, server.url)
        assert result.reason == "OCSP_RESPONDER_UNAVAILABLE"
        assert len(server.requests) == 1


async def test_responder_that_does_not_answer_holds_nobody_up(start_auth: StartAuth, clock: FakeClock) -> None:
    rules = HttpRules(private_addresses=True, timeout_s=0.3)
    auth = await start_auth(ocsp=OcspRules(http=rules))
    root = _root(clock)
    leaf, other = _leaf(clock, root), _leaf(clock, root)
    never = asyncio.Event()

    async def silent(_request: HttpRequest) -> bytes:
        await never.wait()
        return b""

    responder = Responder(signer=root, now=to_datetime(clock()))
    async with http_server(silent) as slow, http_server(responder.answer) as quick:
        first, second = await _ask(
            auth,
            (_hashed(leaf.certificate, root.certificate), slow.url),
            (_hashed(other.certificate, root.certificate), quick.url),
        )
        never.set()
    assert (first.reason, second.reason) == ("OCSP_RESPONDER_UNAVAILABLE", "")
