"""How a station proves itself over OCPP 1.6 and its security extension, from a raw socket to what an operator reads."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from csms.auth.v1 import certificate_service_pb2
from csms.auth.v1.certificate_service_pb2_grpc import CertificateServiceStub
from csms.station.v1 import (
    certificate_pb2,
    command_service_pb2,
    station_certificate_service_pb2,
    station_pb2,
    station_service_pb2,
)
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceStub
from google.protobuf.field_mask_pb2 import FieldMask
from websockets.exceptions import InvalidStatus

from simulator.certificates import CertificateUse, OwnCertificate, TrustStore
from tests import certificates
from tests.gateway.raw_station import RawStation, basic
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually


async def test_tc_073_a_new_key_over_the_socket(mesh_on_both: MeshRig) -> None:
    """The station gets it in hexadecimal, has to reconnect, and is admitted with it alone; no log has it."""
    mesh = mesh_on_both
    old = await mesh.create_station("CP1")
    async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", old)) as station:
        await station.boot()
        request = station_service_pb2.RotateCredentialRequest(station_id="CP1", hand_over=True)
        rotation = asyncio.ensure_future(
            mesh.stations.RotateCredential(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        action, payload = await station.answer({"status": "Accepted"})
        assert (action, payload["key"]) == ("ChangeConfiguration", "AuthorizationKey")
        assert len(bytes.fromhex(payload["value"])) == 20
        assert (await rotation).credential == payload["value"]
        assert await station.close_code() == 1012
    with pytest.raises(InvalidStatus):
        async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", old)):
            pass
    new = payload["value"]
    async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", new)) as station:
        assert "currentTime" in await station.call("Heartbeat", {})
    for action in ("ChangeConfiguration", "Heartbeat"):  # batches of the log may overtake each other
        await eventually(lambda action=action: _is_logged(mesh, action))  # type: ignore[misc]
    log = await mesh.messages("CP1")
    assert not any(new in message.payload for message in log)
    request_ = station_service_pb2.ListVariablesRequest(station_id="CP1")
    told = await mesh.stations.ListVariables(request_, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert [(one.variable, one.value) for one in told.variables] == [("AuthorizationKey", "***")]


async def test_a_new_key_over_2_0_1(mesh: MeshRig) -> None:
    """The same command, in the words of that version (A01)."""
    old = await mesh.create_station("CP1")
    url, protocols = mesh.station_url("CP1"), ["ocpp2.0.1"]
    async with RawStation(url, subprotocols=protocols, headers=basic("CP1", old)) as station:
        await station.boot()
        request = station_service_pb2.RotateCredentialRequest(station_id="CP1", hand_over=True)
        rotation = asyncio.ensure_future(
            mesh.stations.RotateCredential(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        action, payload = await station.answer({"setVariableResult": [{**named, "attributeStatus": "RebootRequired"}]})
        assert action == "SetVariables"
        assert named.items() <= payload["setVariableData"][0].items()
        told = await rotation
        assert told.credential == payload["setVariableData"][0]["attributeValue"]
        assert told.status == command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED
        assert "currentTime" in await station.call("Heartbeat", {})
    async with RawStation(url, subprotocols=protocols, headers=basic("CP1", told.credential)) as station:
        await station.boot()
    with pytest.raises(InvalidStatus):
        async with RawStation(url, subprotocols=protocols, headers=basic("CP1", old)):
            pass


async def _is_logged(mesh: MeshRig, action: str) -> bool:
    return any(message.action == action for message in await mesh.messages("CP1"))


async def test_tc_083_a_higher_security_profile(mesh: MeshRig) -> None:
    """The station takes it, and is held to it once it has connected by it."""
    password = await mesh.create_station("CP1")
    variable = station_pb2.Variable(component="SecurityCtrlr", variable="SecurityProfile", value="2")
    request = command_service_pb2.SetVariablesRequest(station_id="CP1", variables=[variable])
    async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", password)) as station:
        await station.boot()
        command = asyncio.ensure_future(mesh.commands.SetVariables(request, metadata=mesh.metadata, timeout=TIMEOUT_S))
        assert await station.answer({"status": "Accepted"}) == [
            "ChangeConfiguration",
            {"key": "SecurityProfile", "value": "2"},
        ]
        assert (await command).results[0].status == command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED
    get = station_service_pb2.GetStationRequest(station_id="CP1")
    response = await mesh.stations.GetStation(get, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert (response.station.security_profile, response.station.next_security_profile) == (1, 2)


async def test_a_station_below_its_profile_is_told_what_it_needs(mesh: MeshRig) -> None:
    """The answer of the handshake is for the engineer in front of it: 401, and what is missing."""
    created = await mesh.stations.CreateStation(
        station_service_pb2.CreateStationRequest(station_id="CP1", security_profile=2),
        metadata=mesh.metadata,
        timeout=TIMEOUT_S,
    )
    with pytest.raises(InvalidStatus) as refusal:
        async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", created.credential)):
            pass
    assert refusal.value.response.status_code == 401
    assert b"security profile 2, which needs TLS (wss://)" in refusal.value.response.body


async def test_a_rotation_closes_the_socket(mesh: MeshRig) -> None:
    """The replaced credential is refused, a socket that it opened is closed, and the close frame has the reason."""
    password = await mesh.create_station("CP1")
    async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", password)) as station:
        await station.boot()
        request = station_service_pb2.RotateCredentialRequest(station_id="CP1")
        await mesh.stations.RotateCredential(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        assert await station.close_code() == 1008
        assert "replaced" in str(station.socket.close_reason)


async def test_a_triggered_form_of_the_extension(mesh: MeshRig) -> None:
    """TriggerMessage of the contract is ExtendedTriggerMessage of 1.6 where the operator wants it."""
    request = command_service_pb2.TriggerMessageRequest(
        station_id="CP1",
        requested_message=command_service_pb2.MESSAGE_TRIGGER_STATUS_NOTIFICATION,
        security_extension=True,
    )
    request.evse.evse_id = 2
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = asyncio.ensure_future(
            mesh.commands.TriggerMessage(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        told = await station.answer({"status": "NotImplemented"})
        assert json.dumps(told) == json.dumps(
            ["ExtendedTriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2}]
        )
        assert (await command).status == command_service_pb2.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED


# Certificates


async def test_tc_074_a_certificate_by_request_of_the_central_system(mesh_on_both: MeshRig) -> None:
    """Triggered, asked for, signed by our own authority, handed over; the operator reads every step."""
    mesh, key = mesh_on_both, certificates.ec_key()
    request = command_service_pb2.TriggerMessageRequest(
        station_id="CP1", requested_message=command_service_pb2.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE
    )
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = asyncio.ensure_future(
            mesh.commands.TriggerMessage(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        assert await station.answer({"status": "Accepted"}) == [
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate"},
        ]
        assert (await command).status == command_service_pb2.TRIGGER_MESSAGE_STATUS_ACCEPTED
        answer = await station.call("SignCertificate", {"csr": certificates.csr("CP1", key=key, organization="ACME")})
        assert answer == {"status": "Accepted"}
        action, payload = await station.answer({"status": "Accepted"})
        assert action == "CertificateSigned"
        [leaf] = x509.load_pem_x509_certificates(payload["certificateChain"].encode())
        assert leaf.public_key() == key.public_key()
        assert leaf.subject == certificates.name("CP1")  # no organization is configured
        [told] = await eventually(lambda: _requests(mesh, certificate_pb2.CERTIFICATE_REQUEST_STATE_DELIVERED))
        assert told.serial_number == f"{leaf.serial_number:X}"


async def _expect_serial_number(mesh: MeshRig, serial_number: str) -> None:
    """An operator says which serial number CP1 has: anybody can connect as it, and its report proves nothing."""
    changed = station_pb2.Station(station_id="CP1", expected_serial_number=serial_number)
    request = station_service_pb2.UpdateStationRequest(
        station=changed, update_mask=FieldMask(paths=["expected_serial_number"])
    )
    await mesh.stations.UpdateStation(request, metadata=mesh.metadata, timeout=TIMEOUT_S)


async def test_a_station_that_checks_what_it_gets(mesh: MeshRig) -> None:
    """The operator installs the root of our authority; the simulator's own checks then take what that signed."""
    channel = CertificateServiceStub(mesh.auth_channel)
    told = await channel.GetCertificateAuthority(
        certificate_service_pb2.GetCertificateAuthorityRequest(), metadata=mesh.metadata, timeout=TIMEOUT_S
    )
    root = told.certificate_authority.root_certificate
    install = certificate_pb2.InstallCertificateRequest(
        station_id="CP1",
        certificate_type=certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE,
        certificate=root,
    )
    trust, own, now = TrustStore(), OwnCertificate(), datetime.now(UTC)
    identity = {"chargePointModel": "M", "chargePointVendor": "V", "chargePointSerialNumber": "SN-0001"}
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.call("BootNotification", identity)
        await _expect_serial_number(mesh, "SN-0001")
        command = asyncio.ensure_future(
            mesh.commands.InstallCertificate(install, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        _action, payload = await station.answer({"status": "Accepted"})
        await command
        assert trust.install(CertificateUse.CENTRAL_SYSTEM, payload["certificate"], now=now, most=5) == "Accepted"
        csr = own.request(serial_number="SN-0001", organisation="ACME")
        assert await station.call("SignCertificate", {"csr": csr}) == {"status": "Accepted"}
        _action, payload = await station.answer({"status": "Accepted"})

        def trusts(certificate: x509.Certificate) -> bool:
            return trust.vouches(CertificateUse.CENTRAL_SYSTEM, certificate)

        assert own.take(payload["certificateChain"], now=datetime.now(UTC), trusts=trusts)


async def test_the_key_of_a_revoked_certificate_is_not_signed_again(mesh: MeshRig) -> None:
    csr = certificates.csr("CP1")
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        assert await station.call("SignCertificate", {"csr": csr}) == {"status": "Accepted"}
        _action, payload = await station.answer({"status": "Accepted"})
        [leaf] = x509.load_pem_x509_certificates(payload["certificateChain"].encode())
        revoke = certificate_service_pb2.RevokeCertificateRequest(serial_number=f"{leaf.serial_number:x}")
        stub = CertificateServiceStub(mesh.auth_channel)
        await stub.RevokeCertificate(revoke, metadata=mesh.metadata, timeout=TIMEOUT_S)
        assert await station.call("SignCertificate", {"csr": csr}) == {"status": "Rejected"}
        [refused] = await _requests(mesh, certificate_pb2.CERTIFICATE_REQUEST_STATE_REJECTED)
        assert refused.reason == "CSR_KEY_REVOKED"


async def test_a_certificate_that_is_not_signed(mesh: MeshRig) -> None:
    """The station asks for another's name: it is refused, and sent nothing."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        assert await station.call("SignCertificate", {"csr": certificates.csr("CP2")}) == {"status": "Rejected"}
        assert await station.call("SignCertificate", {"csr": "nonsense"}) == {"status": "Rejected"}
        told = await _requests(mesh, certificate_pb2.CERTIFICATE_REQUEST_STATE_REJECTED)
        assert [one.reason for one in told] == ["CSR_UNREADABLE", "CSR_SUBJECT_WRONG"]


async def test_tc_075_and_076_a_root_comes_and_goes(mesh: MeshRig) -> None:
    """Installed, told, removed: in 2.x words above and in 1.6's below."""
    root = certificates.authority("Root").pem
    hashes = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "1F"}
    install = certificate_pb2.InstallCertificateRequest(
        station_id="CP1",
        certificate_type=certificate_pb2.INSTALL_CERTIFICATE_USE_MANUFACTURER_ROOT_CERTIFICATE,
        certificate=root,
    )
    ask = certificate_pb2.GetInstalledCertificateIdsRequest(
        station_id="CP1",
        certificate_types=[certificate_pb2.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE],
    )
    kind = "ManufacturerRootCertificate"
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()

        async def give(method: Any, request: Any, answer: Any) -> tuple[Any, Any]:
            command = asyncio.ensure_future(method(request, metadata=mesh.metadata, timeout=TIMEOUT_S))
            call = await station.answer(answer)
            return await command, call

        installed, call = await give(mesh.commands.InstallCertificate, install, {"status": "Accepted"})
        assert installed.status == certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED
        assert call == ["InstallCertificate", {"certificateType": kind, "certificate": root}]
        told, call = await give(
            mesh.commands.GetInstalledCertificateIds, ask, {"status": "Accepted", "certificateHashData": [hashes]}
        )
        assert call == ["GetInstalledCertificateIds", {"certificateType": kind}]
        data = told.certificate_hash_data_chains[0].certificate_hash_data
        delete = certificate_pb2.DeleteCertificateRequest(station_id="CP1", certificate_hash_data=data)
        deleted, call = await give(mesh.commands.DeleteCertificate, delete, {"status": "Accepted"})
        assert call == ["DeleteCertificate", {"certificateHashData": hashes}]
        assert deleted.status == certificate_pb2.DELETE_CERTIFICATE_STATUS_ACCEPTED


async def _requests(
    mesh: MeshRig, state: certificate_pb2.CertificateRequestState.ValueType
) -> list[certificate_pb2.CertificateRequest]:
    """The requests of CP1 for certificates that stand there."""
    stub = StationCertificateServiceStub(mesh.station_channel)
    request = station_certificate_service_pb2.ListCertificateRequestsRequest(station_id="CP1")
    response = await stub.ListCertificateRequests(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    return [one for one in response.certificate_requests if one.state == state]
