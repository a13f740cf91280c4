"""Block M, certificates. The list has the names of the cases only: the steps are our reading of M01 to M06."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import GetCertificateIdUse, InstallCertificateUse

from tests import certificates
from tests.certification.v201.station import ChargingStation
from tests.contract_pki import Responder, Shape, certify
from tests.http_server import HttpRequest, http_server, ok

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def further_settings() -> AsyncIterator[Mapping[str, str]]:
    """Responders and the provider of certificates for vehicles are on this machine."""

    async def answer(request: HttpRequest) -> bytes:
        asked = json.loads(request.body)
        return ok(json.dumps({"status": "Accepted", "exiResponse": f"{asked['exiRequest']}=answered"}).encode())

    async with http_server(answer) as provider:
        yield {"CSMS_OCSP_PRIVATE_ADDRESSES": "1", "CSMS_EV_CERTIFICATE_PROVIDER_URL": provider.url}


HASHES = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a" * 64,
    "issuerKeyHash": "b" * 64,
    "serialNumber": "0123AB",
}


# M05, installation of CA certificates


async def _install(
    station: ChargingStation, use: InstallCertificateUse.ValueType, word: str, answer: str = "Accepted"
) -> int:
    """An operator installs a root, the station answers; returns the status that the operator gets."""
    pem = certificates.authority("Root").pem
    action, payload, told = await station.told(
        "InstallCertificate", {"status": answer}, certificate_type=use, certificate=pem
    )
    assert (action, payload) == ("InstallCertificate", {"certificateType": word, "certificate": pem})
    status: int = told.status
    return status


async def test_tc_m_01_csms(station: ChargingStation) -> None:
    """M05: a root of the CSMS."""
    use = certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE
    assert await _install(station, use, "CSMSRootCertificate") == certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED


async def test_tc_m_02_csms(station: ChargingStation) -> None:
    """M05: a root of the manufacturer."""
    use = certificate_pb2.INSTALL_CERTIFICATE_USE_MANUFACTURER_ROOT_CERTIFICATE
    status = await _install(station, use, "ManufacturerRootCertificate")
    assert status == certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED


async def test_tc_m_03_csms(station: ChargingStation) -> None:
    """M05: a root of vehicle-to-grid."""
    use = certificate_pb2.INSTALL_CERTIFICATE_USE_V2G_ROOT_CERTIFICATE
    assert await _install(station, use, "V2GRootCertificate") == certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED


async def test_tc_m_04_csms(station: ChargingStation) -> None:
    """M05: a root of a mobility operator."""
    use = certificate_pb2.INSTALL_CERTIFICATE_USE_MO_ROOT_CERTIFICATE
    assert await _install(station, use, "MORootCertificate") == certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED


async def test_tc_m_05_csms(station: ChargingStation) -> None:
    """M05: the station cannot install it, which the operator sees."""
    use = certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE
    status = await _install(station, use, "CSMSRootCertificate", "Failed")
    assert status == certificate_pb2.INSTALL_CERTIFICATE_STATUS_FAILED


# M06, status by OCSP; M01 and M02, certificates for vehicles


async def test_tc_m_24_csms(station: ChargingStation) -> None:
    """M06: the responder of the authority is asked, and its signed response passed on."""
    root = certify("V2G root", None, Shape(ca=True))
    responder = Responder(signer=root, now=datetime.now(UTC))
    async with http_server(responder.answer) as server:
        leaf = certify(station.station_id, root, Shape(url=server.url))
        request = ocsp.OCSPRequestBuilder().add_certificate(leaf.certificate, root.certificate, hashes.SHA256()).build()
        data = {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": request.issuer_name_hash.hex(),
            "issuerKeyHash": request.issuer_key_hash.hex(),
            "serialNumber": f"{request.serial_number:x}",
            "responderURL": server.url,
        }
        answer = await station.call("GetCertificateStatus", ocspRequestData=data)
    assert answer["status"] == "Accepted"
    response = ocsp.load_der_ocsp_response(b64decode(answer["ocspResult"]))
    assert response.serial_number == leaf.certificate.serial_number
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD


async def _vehicle(station: ChargingStation, action: str) -> None:
    """A vehicle's request goes to the provider as it came, and its answer back."""
    exi = b64encode(f"{action} of {station.station_id}".encode()).decode()
    answer = await station.call(
        "Get15118EVCertificate",
        iso15118SchemaVersion="urn:iso:15118:2:2013:MsgDef",
        action=action,
        exiRequest=exi,
    )
    assert answer == {"status": "Accepted", "exiResponse": f"{exi}=answered"}


async def test_tc_m_26_csms(station: ChargingStation) -> None:
    """M01: a certificate is installed in a vehicle."""
    await _vehicle(station, "Install")


async def test_tc_m_28_csms(station: ChargingStation) -> None:
    """M02: a certificate of a vehicle is renewed."""
    await _vehicle(station, "Update")


# M03, the certificates of a station

CSMS = certificate_pb2.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE
MANUFACTURER = certificate_pb2.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE
V2G = certificate_pb2.GET_CERTIFICATE_ID_USE_V2G_ROOT_CERTIFICATE
MO = certificate_pb2.GET_CERTIFICATE_ID_USE_MO_ROOT_CERTIFICATE
CHAIN = certificate_pb2.GET_CERTIFICATE_ID_USE_V2G_CERTIFICATE_CHAIN
WORDS: dict[GetCertificateIdUse.ValueType, str] = {
    CSMS: "CSMSRootCertificate",
    MANUFACTURER: "ManufacturerRootCertificate",
    V2G: "V2GRootCertificate",
    MO: "MORootCertificate",
    CHAIN: "V2GCertificateChain",
}


def _held(kind: GetCertificateIdUse.ValueType) -> dict[str, Any]:
    """A certificate of a kind, as the station reports it; a chain has two above its first."""
    held: dict[str, Any] = {"certificateType": WORDS[kind], "certificateHashData": HASHES}
    if kind == CHAIN:
        held["childCertificateHashData"] = [HASHES | {"serialNumber": number} for number in ("C1", "C2")]
    return held


async def _retrieve(station: ChargingStation, *kinds: GetCertificateIdUse.ValueType) -> None:
    """An operator asks for kinds, all where none is named, and gets one certificate of each."""
    expected = kinds or tuple(WORDS)
    action, payload, told = await station.told(
        "GetInstalledCertificateIds",
        {"status": "Accepted", "certificateHashDataChain": [_held(kind) for kind in expected]},
        certificate_types=kinds,
    )
    assert action == "GetInstalledCertificateIds"
    assert payload == ({"certificateType": [WORDS[kind] for kind in kinds]} if kinds else {})
    assert told.status == certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED
    assert [chain.certificate_type for chain in told.certificate_hash_data_chains] == list(expected)
    for chain in told.certificate_hash_data_chains:
        above = ["C1", "C2"] if chain.certificate_type == CHAIN else []
        assert chain.certificate_hash_data.serial_number == "0123AB"
        assert [one.serial_number for one in chain.child_certificate_hash_data] == above


async def test_tc_m_12_csms(station: ChargingStation) -> None:
    """M03: roots of the CSMS."""
    await _retrieve(station, CSMS)


async def test_tc_m_13_csms(station: ChargingStation) -> None:
    """M03: roots of the manufacturer."""
    await _retrieve(station, MANUFACTURER)


async def test_tc_m_14_csms(station: ChargingStation) -> None:
    """M03: roots of vehicle-to-grid."""
    await _retrieve(station, V2G)


async def test_tc_m_15_csms(station: ChargingStation) -> None:
    """M03: the chain of the station towards vehicles, with the certificates above its own."""
    await _retrieve(station, CHAIN)


async def test_tc_m_16_csms(station: ChargingStation) -> None:
    """M03: roots of mobility operators."""
    await _retrieve(station, MO)


async def test_tc_m_17_csms(station: ChargingStation) -> None:
    """M03: two kinds by one request."""
    await _retrieve(station, CSMS, MANUFACTURER)


async def test_tc_m_18_csms(station: ChargingStation) -> None:
    """M03.FR.02: all kinds, by a request that names none."""
    await _retrieve(station)


async def test_tc_m_19_csms(station: ChargingStation) -> None:
    """M03: the station has none of that kind."""
    _, payload, told = await station.told(
        "GetInstalledCertificateIds", {"status": "NotFound"}, certificate_types=[CSMS]
    )
    assert payload == {"certificateType": ["CSMSRootCertificate"]}
    assert told.status == certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND
    assert not told.certificate_hash_data_chains


# M04, removal


async def _delete(station: ChargingStation, answer: str) -> int:
    """A certificate is looked for, and removed by the hashes that the station reported."""
    _, _, told = await station.told(
        "GetInstalledCertificateIds",
        {"status": "Accepted", "certificateHashDataChain": [_held(CSMS)]},
        certificate_types=[CSMS],
    )
    [chain] = told.certificate_hash_data_chains
    action, payload, deleted = await station.told(
        "DeleteCertificate", {"status": answer}, certificate_hash_data=chain.certificate_hash_data
    )
    assert (action, payload) == ("DeleteCertificate", {"certificateHashData": HASHES})
    status: int = deleted.status
    return status


async def test_tc_m_20_csms(station: ChargingStation) -> None:
    """M04: the station removes it."""
    assert await _delete(station, "Accepted") == certificate_pb2.DELETE_CERTIFICATE_STATUS_ACCEPTED


async def test_tc_m_21_csms(station: ChargingStation) -> None:
    """M04: the station cannot remove it, which the operator sees."""
    assert await _delete(station, "Failed") == certificate_pb2.DELETE_CERTIFICATE_STATUS_FAILED
