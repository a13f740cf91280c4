"""Contract certificates of drivers: path, dates, and the OCSP status of each link. Responders are real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from csms.auth.v1.certificate_exchange_service_pb2 import (
    CheckContractCertificateItem,
    CheckContractCertificateResult,
    CheckContractCertificatesRequest,
    OcspRequestData,
)
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.common.v1.id_token_pb2 import IdToken
from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.certificate_pb2 import HASH_ALGORITHM_SHA256, CertificateHashData

from auth_svc.certificate_statuses import OcspRules
from auth_svc.ocsp_messages import id_of
from auth_svc.outbound_http import HttpRules
from mesh.runtime.times import to_datetime
from tests.auth_svc.conftest import Auth, StartAuth
from tests.certificates import TestAuthority
from tests.conftest import FakeClock
from tests.contract_pki import Responder, Shape, certify, pem
from tests.http_server import http_server

EMAID = "DE-ABC-C12345678-5"
HERE = HttpRules(private_addresses=True, timeout_s=2.0)

ACCEPTED = common_pb2.AUTHORIZE_CERTIFICATE_STATUS_ACCEPTED
SIGNATURE = common_pb2.AUTHORIZE_CERTIFICATE_STATUS_SIGNATURE_ERROR
EXPIRED = common_pb2.AUTHORIZE_CERTIFICATE_STATUS_CERTIFICATE_EXPIRED
REVOKED = common_pb2.AUTHORIZE_CERTIFICATE_STATUS_CERTIFICATE_REVOKED
NOTHING = common_pb2.AUTHORIZE_CERTIFICATE_STATUS_NO_CERTIFICATE_AVAILABLE
CHAIN = common_pb2.AUTHORIZE_CERTIFICATE_STATUS_CERT_CHAIN_ERROR


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A mobility operator: a root, an authority below it, a contract of EMAID; one responder for both certificates."""

    root: TestAuthority
    sub: TestAuthority
    contract: TestAuthority
    responders: tuple[Responder, Responder]
    urls: tuple[str, str]
    now: datetime

    @property
    def chain(self) -> str:
        """As a station passes it on."""
        return pem(self.contract, self.sub)

    def hash_data(self) -> list[OcspRequestData]:
        """As a station names the certificates whose path it has checked: the contract's first."""
        pairs = ((self.contract, self.sub, self.urls[0]), (self.sub, self.root, self.urls[1]))
        return [_hash_data(one, issuer, url) for one, issuer, url in pairs]


def _hash_data(one: TestAuthority, issuer: TestAuthority, url: str) -> OcspRequestData:
    known = id_of(one.certificate, issuer.certificate)
    data = CertificateHashData(
        hash_algorithm=HASH_ALGORITHM_SHA256,
        issuer_name_hash=known.issuer_name_hash.hex(),
        issuer_key_hash=known.issuer_key_hash.hex(),
        serial_number=f"{known.serial_number:X}",
    )
    return OcspRequestData(certificate_hash_data=data, responder_url=url)


@asynccontextmanager
async def _operator(clock: FakeClock, *, common_name: str = "DEABCC123456785") -> AsyncIterator[Operator]:
    now = to_datetime(clock())
    root = certify("MO root", None, Shape(ca=True, now=now))
    of_root = Responder(signer=root, now=now)
    async with http_server(of_root.answer) as upper:
        sub = certify("MO sub", root, Shape(ca=True, url=upper.url, now=now))
        of_sub = Responder(signer=sub, now=now)
        async with http_server(of_sub.answer) as lower:
            contract = certify(common_name, sub, Shape(url=lower.url, now=now))
            yield Operator(
                root=root,
                sub=sub,
                contract=contract,
                responders=(of_sub, of_root),
                urls=(lower.url, upper.url),
                now=now,
            )


@pytest.fixture
async def operator(clock: FakeClock) -> AsyncIterator[Operator]:
    """A mobility operator whose certificates are all good."""
    async with _operator(clock) as operator:
        yield operator


async def _start(start_auth: StartAuth, *trusted: TestAuthority) -> Auth:
    return await start_auth(ocsp=OcspRules(http=HERE, trusted=[one.certificate for one in trusted]))


async def _check(
    auth: Auth, *, chain: str = "", hash_data: list[OcspRequestData] | None = None, emaid: str = EMAID
) -> CheckContractCertificateResult:
    item = CheckContractCertificateItem(
        origin=Origin(tenant_id="default", station_id="CP1"),
        id_token=IdToken(id_token=emaid, type="eMAID"),
        certificate_chain=chain,
        certificates=hash_data,
    )
    request = CheckContractCertificatesRequest(items=[item])
    [result] = (await auth.exchange.CheckContractCertificates(request)).results
    assert (result.status == ACCEPTED) == (result.message == "")
    return result


async def test_chain_that_holds_is_accepted(start_auth: StartAuth, operator: Operator) -> None:
    """C07.FR.06: the whole path is checked, and the status of both certificates below the root."""
    auth = await _start(start_auth, operator.root)
    assert (await _check(auth, chain=operator.chain)).status == ACCEPTED
    asked = [[one.serial_number for one in responder.asked] for responder in operator.responders]
    assert asked == [[operator.contract.certificate.serial_number], [operator.sub.certificate.serial_number]]


async def test_hashes_of_a_path_that_the_station_checked_are_accepted(
    start_auth: StartAuth, operator: Operator
) -> None:
    """C07.FR.05: the status of each link is verified, without any certificate of ours."""
    auth = await _start(start_auth)
    assert (await _check(auth, hash_data=operator.hash_data())).status == ACCEPTED
    assert [len(responder.asked) for responder in operator.responders] == [1, 1]


@pytest.mark.parametrize("link", [0, 1])
@pytest.mark.parametrize("by_hashes", [True, False])
async def test_revoked_certificate_at_any_link_is_refused(
    start_auth: StartAuth, operator: Operator, link: int, *, by_hashes: bool
) -> None:
    auth = await _start(start_auth, operator.root)
    serial_number = (operator.contract, operator.sub)[link].certificate.serial_number
    operator.responders[link].statuses[serial_number] = ocsp.OCSPCertStatus.REVOKED
    how = {"hash_data": operator.hash_data()} if by_hashes else {"chain": operator.chain}
    assert (await _check(auth, **how)).status == REVOKED


async def test_revocation_outweighs_a_responder_that_does_not_answer(start_auth: StartAuth, operator: Operator) -> None:
    auth = await _start(start_auth)
    operator.responders[0].statuses[operator.contract.certificate.serial_number] = ocsp.OCSPCertStatus.REVOKED
    first, second = operator.hash_data()
    second.responder_url = "http://127.0.0.1:1/"
    assert (await _check(auth, hash_data=[second, first])).status == REVOKED


async def test_certificate_that_its_responder_does_not_know_is_refused(
    start_auth: StartAuth, operator: Operator
) -> None:
    auth = await _start(start_auth)
    operator.responders[0].statuses[operator.contract.certificate.serial_number] = ocsp.OCSPCertStatus.UNKNOWN
    assert (await _check(auth, hash_data=operator.hash_data())).status == CHAIN


async def test_status_that_cannot_be_found_lets_nobody_in(start_auth: StartAuth, operator: Operator) -> None:
    auth = await _start(start_auth)
    first, second = operator.hash_data()
    second.responder_url = "http://127.0.0.1:1/"
    assert (await _check(auth, hash_data=[first, second])).status == NOTHING


async def test_chain_of_more_links_than_ocpp_has_is_refused(start_auth: StartAuth, operator: Operator) -> None:
    """None of them is left unchecked, and no more responders are asked than a chain can have."""
    auth = await _start(start_auth)
    assert (await _check(auth, hash_data=operator.hash_data() * 3)).status == NOTHING
    assert [responder.asked for responder in operator.responders] == [[], []]


async def test_forged_status_is_a_wrong_signature(start_auth: StartAuth, operator: Operator, clock: FakeClock) -> None:
    """Somebody else signs that the certificate is good, and has the issuer's certificate in the response."""
    auth = await _start(start_auth)
    operator.responders[0].signer = certify("MO sub", None, Shape(ca=True, now=to_datetime(clock())))
    operator.responders[0].extra = (operator.sub.certificate,)
    assert (await _check(auth, hash_data=operator.hash_data())).status == SIGNATURE


# Paths


async def test_chain_of_another_operator_is_refused(
    start_auth: StartAuth, operator: Operator, clock: FakeClock
) -> None:
    stranger = certify("Another root", None, Shape(ca=True, now=to_datetime(clock())))
    auth = await _start(start_auth, stranger)
    assert (await _check(auth, chain=pem(operator.contract, operator.sub, operator.root))).status == CHAIN
    assert [responder.asked for responder in operator.responders] == [[], []]


async def test_chain_with_a_certificate_missing_is_refused(start_auth: StartAuth, operator: Operator) -> None:
    auth = await _start(start_auth, operator.root)
    assert (await _check(auth, chain=pem(operator.contract))).status == CHAIN


async def test_authority_below_the_root_may_be_the_trusted_one(start_auth: StartAuth, operator: Operator) -> None:
    auth = await _start(start_auth, operator.sub)
    assert (await _check(auth, chain=pem(operator.contract))).status == ACCEPTED


async def test_signature_of_another_key_is_refused(start_auth: StartAuth, operator: Operator, clock: FakeClock) -> None:
    impostor = certify("MO sub", None, Shape(ca=True, now=to_datetime(clock())))
    forged = certify("DEABCC123456785", impostor, Shape(url=operator.urls[0], now=to_datetime(clock())))
    auth = await _start(start_auth, operator.root)
    assert (await _check(auth, chain=pem(forged, operator.sub))).status == SIGNATURE


async def test_certificate_that_is_no_authority_signs_none(
    start_auth: StartAuth, operator: Operator, clock: FakeClock
) -> None:
    """The holder of a contract cannot make another one."""
    made = certify("DEABCC999999999", operator.contract, Shape(url=operator.urls[0], now=to_datetime(clock())))
    auth = await _start(start_auth, operator.root)
    chain = pem(made, operator.contract, operator.sub)
    assert (await _check(auth, chain=chain, emaid="DEABCC999999999")).status == CHAIN


@pytest.mark.parametrize("age_days", [11, -1])
async def test_certificate_out_of_its_time_is_refused(
    start_auth: StartAuth, operator: Operator, clock: FakeClock, age_days: int
) -> None:
    shape = Shape(url=operator.urls[0], age_days=age_days, now=to_datetime(clock()))
    contract = certify("DEABCC123456785", operator.sub, shape)
    auth = await _start(start_auth, operator.root)
    assert (await _check(auth, chain=pem(contract, operator.sub))).status == EXPIRED


@pytest.mark.parametrize("emaid", ["DE-ABC-C12345679-5", "TAG"])
async def test_certificate_of_another_contract_is_refused(
    start_auth: StartAuth, operator: Operator, emaid: str
) -> None:
    """A certificate that holds says nothing of another driver's token."""
    auth = await _start(start_auth, operator.root)
    assert (await _check(auth, chain=operator.chain, emaid=emaid)).status == CHAIN


async def test_link_without_a_responder_is_checked_at_the_one_that_the_station_names(
    start_auth: StartAuth, operator: Operator
) -> None:
    bare = certify("DEABCC123456785", operator.sub, Shape(now=operator.now))
    auth = await _start(start_auth, operator.root)
    assert (await _check(auth, chain=pem(bare, operator.sub))).status == NOTHING
    named = replace(operator, contract=bare).hash_data()
    assert (await _check(auth, chain=pem(bare, operator.sub), hash_data=named)).status == ACCEPTED


@pytest.mark.parametrize("chain", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
async def test_chain_that_is_none_is_refused(start_auth: StartAuth, operator: Operator, chain: str) -> None:
    auth = await _start(start_auth, operator.root)
    assert (await _check(auth, chain=chain)).status == (CHAIN if chain else NOTHING)


async def test_without_trusted_certificates_no_chain_is_accepted(start_auth: StartAuth, operator: Operator) -> None:
    auth = await _start(start_auth)
    assert (await _check(auth, chain=operator.chain)).status == NOTHING


def test_hash_of_a_key_is_that_of_its_bits(clock: FakeClock) -> None:
    """RFC 6960, 4.1.1: without tag and length of the BIT STRING; compared with the library's own request."""
    root = certify("Root", None, Shape(ca=True, now=to_datetime(clock())))
    leaf = certify("Leaf", root, Shape(now=to_datetime(clock())))
    request = ocsp.OCSPRequestBuilder().add_certificate(leaf.certificate, root.certificate, hashes.SHA256()).build()
    known = id_of(leaf.certificate, root.certificate)
    assert (known.issuer_key_hash, known.issuer_name_hash) == (request.issuer_key_hash, request.issuer_name_hash)
