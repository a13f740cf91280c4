"""Block C, authorization. The list has the names of the cases only: the steps are our reading of C01 to C16."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp
from csms.auth.v1.id_token_service_pb2 import IdToken, UpdateIdTokenRequest
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from csms.common.v1 import id_token_pb2
from csms.common.v1.id_token_pb2 import AuthorizationStatus, IdTokenInfo
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.local_list_pb2 import (
    LOCAL_LIST_UPDATE_TYPE_FULL,
    SEND_LOCAL_LIST_STATUS_ACCEPTED,
    LocalListEntry,
)
from csms.transaction.v1 import transaction_service_pb2

from station_kit.messages import EventType
from station_kit.v201 import messages as v201
from tests.certificates import TestAuthority
from tests.certification.played_station import BLOCKED, EXPIRED, GROUP, INVALID, now
from tests.certification.tokens import create_token
from tests.certification.v201.station import EVSE, METER_START, ChargingStation
from tests.contract_pki import Responder, Shape, certify, pem
from tests.gateway.rig import TIMEOUT_S
from tests.http_server import http_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

MASTER_GROUP = "MASTER-PASS"
NOW = datetime.now(UTC)
ROOT = certify("MO root", None, Shape(ca=True, now=NOW))


@pytest.fixture(scope="module")
def further_settings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The mesh trusts the root of a mobility operator, whose responder is on this machine."""
    bundle: Path = tmp_path_factory.mktemp("trusted") / "roots.pem"
    bundle.write_text(ROOT.pem)
    return {"CSMS_TRUSTED_CERTIFICATES_FILE": str(bundle), "CSMS_OCSP_PRIVATE_ADDRESSES": "1"}


# Tokens that may not charge


async def _started(station: ChargingStation, tag: str) -> str:
    """The station starts without asking first; returns the status that the answer has for the token."""
    register = v201.sampled_value(METER_START, EventType.STARTED)
    answer = await station.event(EventType.STARTED, "Authorized", register, evse=EVSE, idToken=v201.id_token_of(tag))
    status: str = answer["idTokenInfo"]["status"]
    return status


async def _refused(station: ChargingStation, tag: str, word: str) -> None:
    """C01: the driver is refused when the station asks, and by the answer to a start that it made on its own."""
    assert await station.authorize(tag) == word
    assert await _started(station, tag) == word


async def test_tc_c_02_csms(station: ChargingStation) -> None:
    """C01: a token that is known as invalid, and one that is not known."""
    await _refused(station, INVALID, "Invalid")
    assert await station.authorize("NOBODY-1") in ("Invalid", "Unknown")


async def test_tc_c_06_csms(station: ChargingStation) -> None:
    """C01: a blocked token."""
    await _refused(station, BLOCKED, "Blocked")


async def test_tc_c_07_csms(station: ChargingStation) -> None:
    """C01: an expired token."""
    await _refused(station, EXPIRED, "Expired")


# The cache of the station


async def test_tc_c_08_csms(station: ChargingStation) -> None:
    """C12: the driver is in the cache, so that the start comes without an Authorize; it is accepted."""
    assert await station.authorize() == "Accepted"
    await station.start()
    await station.update("ChargingStateChanged", "Charging")
    await station.stop()
    await station.is_ended()


async def test_tc_c_20_csms(station: ChargingStation) -> None:
    """C12: a cached driver has become invalid meanwhile, which the answer to the start says."""
    assert await station.authorize() == "Accepted"
    service: Any = IdTokenServiceStub(station.mesh.auth_channel)
    request = UpdateIdTokenRequest(id_token=IdToken(id_token=station.tag, status="Invalid"))
    await service.UpdateIdToken(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    assert await _started(station, station.tag) == "Invalid"


async def _clear_cache(station: ChargingStation, answer: str) -> int:
    action, payload, told = await station.told("ClearCache", {"status": answer})
    assert (action, payload) == ("ClearCache", {})
    status: int = told.status
    return status


async def test_tc_c_37_csms(station: ChargingStation) -> None:
    """C11: the station clears its cache."""
    assert await _clear_cache(station, "Accepted") == command.CLEAR_CACHE_STATUS_ACCEPTED


async def test_tc_c_38_csms(station: ChargingStation) -> None:
    """C11: the station has no cache to clear, which the operator sees."""
    assert await _clear_cache(station, "Rejected") == command.CLEAR_CACHE_STATUS_REJECTED


# Groups


async def test_tc_c_39_csms(station: ChargingStation) -> None:
    """C09: another driver of the group ends the transaction."""
    other = f"{station.tag}-OTHER"
    await create_token(station.mesh, IdToken(id_token=other, group_id_token=GROUP))
    await station.charge()
    answer = await station.send(v201.authorize(other))
    assert answer["idTokenInfo"] == {"status": "Accepted", "groupIdToken": {"idToken": GROUP, "type": "Central"}}
    ended = await station.stop(idToken=v201.id_token_of(other))
    assert ended["idTokenInfo"]["groupIdToken"]["idToken"] == GROUP
    await station.is_ended()


async def _list_of_group(station: ChargingStation, *entries: tuple[str, AuthorizationStatus.ValueType]) -> None:
    """C09, D01: a local list of tokens of the group."""
    sent = [
        LocalListEntry(
            id_token=id_token_pb2.IdToken(id_token=tag, type="ISO14443"),
            id_token_info=IdTokenInfo(
                status=status, group_id_token=id_token_pb2.IdToken(id_token=GROUP, type="Central")
            ),
        )
        for tag, status in entries
    ]
    action, payload, told = await station.told(
        "SendLocalList",
        {"status": "Accepted"},
        version_number=1,
        update_type=LOCAL_LIST_UPDATE_TYPE_FULL,
        entries=sent,
    )
    assert (action, told.status) == ("SendLocalList", SEND_LOCAL_LIST_STATUS_ACCEPTED)
    groups = [entry["idTokenInfo"]["groupIdToken"]["idToken"] for entry in payload["localAuthorizationList"]]
    assert groups == [GROUP] * len(entries)


async def test_tc_c_40_csms(station: ChargingStation) -> None:
    """C09: both drivers of the group are in the local list, so that neither is asked for; the other one ends it."""
    other = f"{station.tag}-OTHER"
    await create_token(station.mesh, IdToken(id_token=other, group_id_token=GROUP))
    accepted = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED
    await _list_of_group(station, (station.tag, accepted), (other, accepted))
    assert await _started(station, station.tag) == "Accepted"
    ended = await station.stop(idToken=v201.id_token_of(other))
    assert ended["idTokenInfo"] == {"status": "Accepted", "groupIdToken": {"idToken": GROUP, "type": "Central"}}
    await station.is_ended()


async def test_tc_c_43_csms(station: ChargingStation) -> None:
    """C09: a driver of the group is invalid in the local list; asked for, they are refused, and the session goes on."""
    other = f"{station.tag}-OTHER"
    await create_token(station.mesh, IdToken(id_token=other, group_id_token=GROUP, status="Invalid"))
    accepted, invalid = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED, id_token_pb2.AUTHORIZATION_STATUS_INVALID
    await _list_of_group(station, (station.tag, accepted), (other, invalid))
    assert await _started(station, station.tag) == "Accepted"
    assert await station.authorize(other) == "Invalid"
    [transaction] = await station.transactions()
    assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ACTIVE


# Master passes


async def _master_pass(station: ChargingStation) -> str:
    """C16: a token of the group that stations know as MasterPassGroupId is presented, and accepted with its group."""
    tag = f"{station.tag}-MASTER"
    await create_token(station.mesh, IdToken(id_token=tag, group_id_token=MASTER_GROUP, type="ISO14443"))
    answer = await station.send(v201.authorize(tag))
    assert answer["idTokenInfo"] == {"status": "Accepted", "groupIdToken": {"idToken": MASTER_GROUP, "type": "Central"}}
    return tag


async def _ends_by_master_pass(station: ChargingStation, tag: str) -> None:
    answer = await station.stop(reason="MasterPass", idToken=v201.id_token_of(tag))
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await station.is_ended("MasterPass")


async def test_tc_c_47_csms(station: ChargingStation) -> None:
    """C16: the holder ends all transactions at the display; here all are one, and the driver's is not restarted."""
    await station.charge()
    await _ends_by_master_pass(station, await _master_pass(station))


async def test_tc_c_48_csms(station: ChargingStation) -> None:
    """C16: the holder ends the one that was chosen at the display; that of the other EVSE goes on."""
    await station.charge()
    other = f"{station.tag}-2"
    await create_token(station.mesh, IdToken(id_token=other))
    started = v201.transaction_event(
        EventType.STARTED,
        v201.sampled_value(METER_START, EventType.STARTED),
        transaction_id=f"{station.transaction_id}-2",
        timestamp=now(),
        seq_no=0,  # each transaction counts its own
        trigger_reason="Authorized",
        evse={"id": 2, "connectorId": 1},
        idToken=v201.id_token_of(other),
    )
    assert (await station.send(started))["idTokenInfo"]["status"] == "Accepted"
    await _ends_by_master_pass(station, await _master_pass(station))
    states = {one.transaction_id: one.state for one in await station.transactions()}
    assert states[f"{station.transaction_id}-2"] == transaction_service_pb2.TRANSACTION_STATE_ACTIVE


async def test_tc_c_49_csms(station: ChargingStation) -> None:
    """C16: without a display the master pass ends all transactions at once."""
    await station.charge()
    await _ends_by_master_pass(station, await _master_pass(station))


# Contract certificates


def _emaid(station: ChargingStation) -> str:
    """A contract of the case's own."""
    return f"DEABCC{sum(station.station_id.encode()) % 10**9:09d}"


@asynccontextmanager
async def _contract(station: ChargingStation) -> AsyncIterator[tuple[TestAuthority, str, Responder]]:
    """A contract that is registered, its certificate, and the responder that knows its status."""
    responder = Responder(signer=ROOT, now=NOW)
    async with http_server(responder.answer) as server:
        contract = certify(_emaid(station), ROOT, Shape(url=server.url, now=NOW))
        await create_token(station.mesh, IdToken(id_token=_emaid(station), type="eMAID"))
        yield contract, server.url, responder


def _hash_data(contract: TestAuthority, url: str) -> dict[str, str]:
    """OCSPRequestDataType, by the library's own encoding of a request."""
    request = ocsp.OCSPRequestBuilder().add_certificate(contract.certificate, ROOT.certificate, hashes.SHA256())
    built = request.build()
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": built.issuer_name_hash.hex(),
        "issuerKeyHash": built.issuer_key_hash.hex(),
        "serialNumber": f"{built.serial_number:X}",
        "responderURL": url,
    }


async def _plug_and_charge(station: ChargingStation, **fields: Any) -> Any:
    id_token = {"idToken": _emaid(station), "type": "eMAID"}
    return await station.call("Authorize", idToken=id_token, **fields)


async def test_tc_c_50_csms(station: ChargingStation) -> None:
    """C07.FR.05: the station checked the path; the status of the certificate is verified by OCSP."""
    async with _contract(station) as (contract, url, responder):
        answer = await _plug_and_charge(station, iso15118CertificateHashData=[_hash_data(contract, url)])
        assert [asked.serial_number for asked in responder.asked] == [contract.certificate.serial_number]
    assert answer == {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}


async def test_tc_c_51_csms(station: ChargingStation) -> None:
    """C07: the certificate is revoked, and the token with it."""
    async with _contract(station) as (contract, url, responder):
        responder.statuses[contract.certificate.serial_number] = ocsp.OCSPCertStatus.REVOKED
        answer = await _plug_and_charge(station, iso15118CertificateHashData=[_hash_data(contract, url)])
    assert answer == {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "CertificateRevoked"}


async def test_tc_c_52_csms(station: ChargingStation) -> None:
    """C07.FR.06: the station has no root of the operator, and leaves the check of the chain to the CSMS."""
    async with _contract(station) as (contract, _url, responder):
        answer = await _plug_and_charge(station, certificate=pem(contract))
        assert len(responder.asked) == 1
    assert answer == {"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}
