"""The same calls of an operator serve every OCPP version, with the same answers and resources."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import certificate_pb2 as certificates
from csms.station.v1 import charging_profile_pb2 as profiles
from csms.station.v1 import charging_profile_service_pb2 as profile_service
from csms.station.v1 import command_service_pb2 as commands
from csms.station.v1 import firmware_pb2, log_pb2, reservation_pb2, station_pb2
from csms.station.v1 import firmware_service_pb2 as firmware_service
from csms.station.v1 import local_list_service_pb2 as list_service
from csms.station.v1 import log_service_pb2 as log_service
from csms.station.v1 import reservation_service_pb2 as reservation_service
from csms.station.v1 import station_certificate_service_pb2 as certificate_service
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceStub
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceStub
from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceStub
from csms.station.v1.log_service_pb2_grpc import LogServiceStub
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub
from csms.station.v1.station_certificate_service_pb2_grpc import StationCertificateServiceStub
from csms.transaction.v1 import transaction_service_pb2 as transactions

from mesh.runtime.times import SECOND_US, now_us, to_timestamp
from tests.certificates import authority
from tests.conformance.acting_station import DIALECTS, ActingStation
from tests.conformance.edge import Edge
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENERGY_WH = 2_500
LIMIT_A = 10.5


class Operator:
    """An operator of one station."""

    def __init__(self, mesh: MeshRig, station: ActingStation) -> None:
        self._mesh = mesh
        self.station = station
        self.tag = f"T-{station.station_id}"

    def stub(self, kind: Any) -> Any:
        """An operator service of station_svc."""
        return kind(self._mesh.station_channel)

    async def ask(self, method: Any, request: Any) -> Any:
        """Calls an RPC."""
        return await method(request, metadata=self._mesh.metadata, timeout=TIMEOUT_S)

    async def command(self, request: Any) -> Any:
        """Gives a command of CommandService, by the type of its request."""
        method = type(request).DESCRIPTOR.name.removesuffix("Request")
        return await self.ask(getattr(self._mesh.commands, method), request)

    async def profiles(self) -> dict[int, int]:
        """The states of the station's charging profiles, by number."""
        request = profile_service.ListChargingProfilesRequest(station_id=self.station.station_id)
        listed = await self.ask(self.stub(ChargingProfileServiceStub).ListChargingProfiles, request)
        return {one.charging_profile.charging_profile_id: one.state for one in listed.charging_profiles}

    async def sessions(self) -> list[tuple[int, str, int]]:
        """State, token and energy of the station's transactions, oldest first."""
        request = transactions.ListTransactionsRequest(station_id=self.station.station_id)
        found = (await self.ask(self._mesh.transactions.ListTransactions, request)).transactions
        return [(one.state, one.id_token.id_token, one.energy_wh) for one in reversed(found)]


async def _charging(operator: Operator) -> None:
    await operator.station.charge(operator.tag, ENERGY_WH)
    ended = (transactions.TRANSACTION_STATE_ENDED, operator.tag, ENERGY_WH)
    assert await operator.sessions() == [ended]


async def _remote_start(operator: Operator) -> None:
    period = profiles.ChargingSchedulePeriod(limit=LIMIT_A)
    schedule = profiles.ChargingSchedule(charging_rate_unit=profiles.CHARGING_RATE_UNIT_AMPERES, periods=[period])
    profile = profiles.ChargingProfile(
        purpose=profiles.CHARGING_PROFILE_PURPOSE_TX_PROFILE,
        kind=profiles.CHARGING_PROFILE_KIND_RELATIVE,
        schedules=[schedule],
    )
    request = commands.RequestStartTransactionRequest(
        station_id=operator.station.station_id,
        evse=EvseRef(evse_id=1),
        id_token=IdToken(id_token=operator.tag),
        charging_profile=profile,
    )
    answer = await operator.command(request)
    assert answer.status == commands.REQUEST_START_STOP_STATUS_ACCEPTED
    assert answer.charging_profile_id
    requested = operator.station.remote_start()
    assert (requested.id_token, requested.limit) == (operator.tag, LIMIT_A)
    await operator.station.charge(requested.id_token, ENERGY_WH)
    assert len(await operator.sessions()) == 2


async def _charging_profiles(operator: Operator) -> None:
    station_id, place = operator.station.station_id, EvseRef(evse_id=1)
    period = profiles.ChargingSchedulePeriod(limit=LIMIT_A)
    schedule = profiles.ChargingSchedule(charging_rate_unit=profiles.CHARGING_RATE_UNIT_AMPERES, periods=[period])
    profile = profiles.ChargingProfile(
        purpose=profiles.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE,
        kind=profiles.CHARGING_PROFILE_KIND_RELATIVE,
        schedules=[schedule],
    )
    answer = await operator.command(
        profiles.SetChargingProfileRequest(station_id=station_id, evse=place, charging_profile=profile)
    )
    assert answer.status == profiles.CHARGING_PROFILE_STATUS_ACCEPTED
    number = answer.charging_profile_id
    assert (await operator.profiles())[number] == profile_service.CHARGING_PROFILE_STATE_ACTIVE
    request = profiles.GetCompositeScheduleRequest(station_id=station_id, evse=place, duration_s=600)
    composite = (await operator.command(request)).schedule
    assert (composite.duration_s, [one.limit for one in composite.periods]) == (600, [LIMIT_A])
    clear = profiles.ClearChargingProfileRequest(station_id=station_id, charging_profile_id=number)
    assert (await operator.command(clear)).status == profiles.CLEAR_CHARGING_PROFILE_STATUS_ACCEPTED
    assert (await operator.profiles())[number] == profile_service.CHARGING_PROFILE_STATE_CLEARED


async def _certificates(operator: Operator) -> None:
    station_id, service = operator.station.station_id, operator.stub(StationCertificateServiceStub)

    async def listed() -> list[tuple[int, str]]:
        request = certificate_service.ListInstalledCertificatesRequest(station_id=station_id)
        found = (await operator.ask(service.ListInstalledCertificates, request)).installed_certificates
        return [(one.certificate_type, one.certificate_hash_data.serial_number) for one in found]

    install = certificates.InstallCertificateRequest(
        station_id=station_id,
        certificate_type=certificates.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE,
        certificate=authority("Root").pem,
    )
    answer = await operator.command(install)
    assert answer.status == certificates.INSTALL_CERTIFICATE_STATUS_ACCEPTED
    use = certificates.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE
    request = certificates.GetInstalledCertificateIdsRequest(station_id=station_id, certificate_types=[use])
    [chain] = (await operator.command(request)).certificate_hash_data_chains
    assert await listed() == [(use, "1")]
    delete = certificates.DeleteCertificateRequest(
        station_id=station_id, certificate_hash_data=chain.certificate_hash_data
    )
    assert (await operator.command(delete)).status == certificates.DELETE_CERTIFICATE_STATUS_ACCEPTED
    assert await listed() == []


async def _reservation(operator: Operator) -> None:
    service, station_id = operator.stub(ReservationServiceStub), operator.station.station_id

    async def reserve() -> reservation_pb2.Reservation:
        reservation = reservation_pb2.Reservation(
            evse=EvseRef(evse_id=1),
            id_token=IdToken(id_token=operator.tag),
            expire_time=to_timestamp(now_us() + 3_600 * SECOND_US),
        )
        request = reservation_service.CreateReservationRequest(station_id=station_id, reservation=reservation)
        made: reservation_pb2.Reservation = (await operator.ask(service.CreateReservation, request)).reservation
        assert made.state == reservation_pb2.RESERVATION_STATE_ACTIVE
        return made

    used = await reserve()
    await operator.station.charge(operator.tag, ENERGY_WH, reservationId=used.reservation_id)
    read = reservation_service.GetReservationRequest(station_id=station_id, reservation_id=used.reservation_id)
    found = (await operator.ask(service.GetReservation, read)).reservation
    assert (found.state, found.use_evse_id) == (reservation_pb2.RESERVATION_STATE_USED, 1)
    cancelled = await reserve()
    cancel = reservation_service.ReservationServiceCancelReservationRequest(
        station_id=station_id, reservation_id=cancelled.reservation_id
    )
    answer = await operator.ask(service.CancelReservation, cancel)
    assert answer.reservation.state == reservation_pb2.RESERVATION_STATE_CANCELLED


async def _firmware(operator: Operator) -> None:
    firmware = firmware_pb2.Firmware(location="https://example.org/firmware.bin")
    station_id = operator.station.station_id
    answer = await operator.command(firmware_pb2.UpdateFirmwareRequest(station_id=station_id, firmware=firmware))
    assert answer.status == firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED
    number = answer.firmware_update_id
    await operator.station.report_firmware(number, "Downloading", "Downloaded", "Installing", "Installed")
    request = firmware_service.GetFirmwareUpdateRequest(station_id=station_id, firmware_update_id=number)
    update = (await operator.ask(operator.stub(FirmwareServiceStub).GetFirmwareUpdate, request)).firmware_update
    assert update.state == firmware_service.FIRMWARE_UPDATE_STATE_INSTALLED
    assert len(update.status_reports) == 4


async def _log(operator: Operator) -> None:
    station_id = operator.station.station_id
    log = log_pb2.LogParameters(remote_location="https://example.org/logs")
    answer = await operator.command(log_pb2.GetLogRequest(station_id=station_id, log=log))
    assert (answer.status, answer.file_name) == (log_pb2.LOG_STATUS_ACCEPTED, "log.zip")
    await operator.station.report_log(answer.log_upload_id, "Uploading", "Uploaded")
    request = log_service.GetLogUploadRequest(station_id=station_id, log_upload_id=answer.log_upload_id)
    upload = (await operator.ask(operator.stub(LogServiceStub).GetLogUpload, request)).log_upload
    assert upload.state == log_service.LOG_UPLOAD_STATE_UPLOADED


async def _local_list(operator: Operator) -> None:
    service, station_id = operator.stub(LocalListServiceStub), operator.station.station_id
    await operator.ask(service.SyncLocalList, list_service.SyncLocalListRequest(station_id=station_id))

    async def is_synced() -> bool:
        known = await operator.ask(service.GetLocalList, list_service.GetLocalListRequest(station_id=station_id))
        return bool(known.local_list.sync_state == list_service.LOCAL_LIST_SYNC_STATE_SYNCED)

    await eventually(is_synced)
    assert operator.tag in operator.station.memory.list_tokens
    assert operator.station.memory.list_version == 1


async def _variables(operator: Operator) -> None:
    station_id = operator.station.station_id
    variable = station_pb2.Variable(component="ChargingStation", variable="VendorLightLevel", value="70")
    written = await operator.command(commands.SetVariablesRequest(station_id=station_id, variables=[variable]))
    assert [one.status for one in written.results] == [commands.SET_VARIABLE_STATUS_ACCEPTED]
    variable.ClearField("value")
    unknown = station_pb2.Variable(component="ChargingStation", variable="VendorMood")
    read = await operator.command(commands.GetVariablesRequest(station_id=station_id, variables=[variable, unknown]))
    assert [(one.status, one.variable.value) for one in read.results] == [
        (commands.GET_VARIABLE_STATUS_ACCEPTED, "70"),
        (commands.GET_VARIABLE_STATUS_UNKNOWN_VARIABLE, ""),
    ]


async def _availability(operator: Operator) -> None:
    for evse_id in (0, 1):
        for status in (commands.OPERATIONAL_STATUS_INOPERATIVE, commands.OPERATIONAL_STATUS_OPERATIVE):
            request = commands.ChangeAvailabilityRequest(
                station_id=operator.station.station_id, evse=EvseRef(evse_id=evse_id), operational_status=status
            )
            assert (await operator.command(request)).status == commands.CHANGE_AVAILABILITY_STATUS_ACCEPTED


async def _short_commands(operator: Operator) -> None:
    """Unlock, cache, trigger and reset: each accepted."""
    station_id = operator.station.station_id
    for request in (
        commands.UnlockConnectorRequest(station_id=station_id, evse=EvseRef(evse_id=1)),
        commands.ClearCacheRequest(station_id=station_id),
        commands.TriggerMessageRequest(station_id=station_id, requested_message=commands.MESSAGE_TRIGGER_HEARTBEAT),
        commands.ResetRequest(station_id=station_id, type=commands.RESET_TYPE_ON_IDLE),
        commands.ResetRequest(station_id=station_id, type=commands.RESET_TYPE_IMMEDIATE),
    ):
        assert (await operator.command(request)).status == 1, request  # ACCEPTED, or UNLOCKED


@pytest.mark.parametrize("subprotocol", sorted(DIALECTS))
async def test_the_same_calls_serve_every_version(edge: Edge, subprotocol: str) -> None:
    """Each of them, with the state that an operator sees afterwards; nothing here has a word of a version."""
    station = ActingStation(edge.new_id(), subprotocol)
    operator = Operator(edge.mesh, station)
    await edge.mesh.create_id_token(operator.tag)
    async with station.connected(edge.mesh.station_url(station.station_id)):
        for step in (
            *(_charging, _remote_start, _charging_profiles, _reservation, _firmware, _log, _local_list),
            *(_certificates, _variables, _availability, _short_commands),
        ):
            await step(operator)
