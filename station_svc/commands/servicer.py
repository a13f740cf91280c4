"""CommandService: every command takes the same way (commands.py)."""

import secrets

from csms.station.v1 import certificate_pb2 as certificates
from csms.station.v1 import charging_profile_pb2, firmware_pb2, log_pb2, reservation_pb2
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import local_list_pb2 as local_list
from csms.station.v1.command_service_pb2_grpc import CommandServiceServicer

from mesh.errors import invalid_field
from mesh.grpc_types import Context
from mesh.times import Clock
from station_svc.certificates.checks import check_chain, check_root
from station_svc.certificates.delivery import FitsStation
from station_svc.certificates.installed import ForgetCertificate, RememberCertificates
from station_svc.charging_profiles.rules import ClearProfiles, SetProfile, to_criteria
from station_svc.commands.effects import NO_EFFECTS
from station_svc.commands.evses import settle_evse
from station_svc.commands.reader_forms import ReaderForms
from station_svc.commands.sender import CommandSender
from station_svc.commands.transactions import TransactionLookup
from station_svc.commands.variables import RememberVariables
from station_svc.credentials.security import effects_of
from station_svc.local_lists.effects import RememberList, RememberVersion
from station_svc.reservations.rules import Cancel, Reserve
from station_svc.reservations.servicer import check_reserve
from station_svc.tasks import firmware, log_uploads


class CommandServicer(CommandServiceServicer):
    """Serves operators."""

    def __init__(
        self, *, sender: CommandSender, transactions: TransactionLookup, forms: ReaderForms, clock: Clock
    ) -> None:
        self._send = sender.send
        self._forms = forms
        self._transactions = transactions
        self._clock = clock

    async def RequestStartTransaction(
        self, request: command.RequestStartTransactionRequest, context: Context
    ) -> command.RequestStartTransactionResponse:
        """Asks a station to start a transaction."""
        sent = command.RequestStartTransactionRequest()
        sent.CopyFrom(request)
        settle_evse(sent)
        if not sent.HasField("remote_start_id"):
            sent.remote_start_id = 1 + secrets.randbelow(2**31 - 1)
        await self._forms.apply(sent.id_token, context)
        effects = NO_EFFECTS
        if sent.HasField("charging_profile"):
            effects = SetProfile(evse_id=sent.evse_id, profile=sent.charging_profile)
        answer = command.RequestStartTransactionResponse
        return await self._send("request_start_transaction", request, answer, context, sent=sent, effects=effects)

    async def RequestStopTransaction(
        self, request: command.RequestStopTransactionRequest, context: Context
    ) -> command.RequestStopTransactionResponse:
        """Asks a station to stop a transaction, which has to be known here unless the caller says otherwise."""
        if not request.send_unknown:
            await self._transactions.expect(station_id=request.station_id, transaction_id=request.transaction_id)
        return await self._send("request_stop_transaction", request, command.RequestStopTransactionResponse, context)

    async def Reset(self, request: command.ResetRequest, context: Context) -> command.ResetResponse:
        """Restarts a station or an EVSE."""
        sent = command.ResetRequest()
        sent.CopyFrom(request)
        settle_evse(sent)
        return await self._send("reset", request, command.ResetResponse, context, sent=sent)

    async def UnlockConnector(
        self, request: command.UnlockConnectorRequest, context: Context
    ) -> command.UnlockConnectorResponse:
        """Unlocks a connector."""
        return await self._send("unlock_connector", request, command.UnlockConnectorResponse, context)

    async def ChangeAvailability(
        self, request: command.ChangeAvailabilityRequest, context: Context
    ) -> command.ChangeAvailabilityResponse:
        """Takes a station, EVSE or connector in or out of service."""
        return await self._send("change_availability", request, command.ChangeAvailabilityResponse, context)

    async def GetVariables(
        self, request: command.GetVariablesRequest, context: Context
    ) -> command.GetVariablesResponse:
        """Reads variables from a station and remembers them."""
        if request.items_per_message < 0:
            raise invalid_field("items_per_message", "must not be below 0")
        sent = command.GetVariablesRequest()
        sent.CopyFrom(request)
        effects, answer = RememberVariables(sent), command.GetVariablesResponse
        return await self._send("get_variables", request, answer, context, sent=sent, effects=effects)

    async def SetVariables(
        self, request: command.SetVariablesRequest, context: Context
    ) -> command.SetVariablesResponse:
        """Sets variables of a station and remembers those it took."""
        effects = effects_of(request.variables)
        return await self._send("set_variables", request, command.SetVariablesResponse, context, effects=effects)

    async def ClearCache(self, request: command.ClearCacheRequest, context: Context) -> command.ClearCacheResponse:
        """Empties a station's authorization cache."""
        return await self._send("clear_cache", request, command.ClearCacheResponse, context)

    async def TriggerMessage(
        self, request: command.TriggerMessageRequest, context: Context
    ) -> command.TriggerMessageResponse:
        """Asks a station to send a message of its own now."""
        return await self._send("trigger_message", request, command.TriggerMessageResponse, context)

    async def DataTransfer(
        self, request: command.DataTransferRequest, context: Context
    ) -> command.DataTransferResponse:
        """Sends a vendor's own message."""
        return await self._send("data_transfer", request, command.DataTransferResponse, context)

    async def GetLocalListVersion(
        self, request: local_list.GetLocalListVersionRequest, context: Context
    ) -> local_list.GetLocalListVersionResponse:
        """Asks for the version of a station's local list and remembers it."""
        answer, effects = local_list.GetLocalListVersionResponse, RememberVersion()
        return await self._send("get_local_list_version", request, answer, context, effects=effects)

    async def SendLocalList(
        self, request: local_list.SendLocalListRequest, context: Context
    ) -> local_list.SendLocalListResponse:
        """Replaces or changes a station's local list and remembers what it holds now."""
        answer, effects = local_list.SendLocalListResponse, RememberList(request)
        return await self._send("send_local_list", request, answer, context, effects=effects)

    async def SetChargingProfile(
        self, request: charging_profile_pb2.SetChargingProfileRequest, context: Context
    ) -> charging_profile_pb2.SetChargingProfileResponse:
        """Gives a station a charging profile."""
        sent = charging_profile_pb2.SetChargingProfileRequest()
        sent.CopyFrom(request)
        settle_evse(sent)
        effects = SetProfile(evse_id=sent.evse_id, profile=sent.charging_profile)
        answer = charging_profile_pb2.SetChargingProfileResponse
        return await self._send("set_charging_profile", request, answer, context, sent=sent, effects=effects)

    async def ClearChargingProfile(
        self, request: charging_profile_pb2.ClearChargingProfileRequest, context: Context
    ) -> charging_profile_pb2.ClearChargingProfileResponse:
        """Clears charging profiles of a station."""
        sent = charging_profile_pb2.ClearChargingProfileRequest()
        sent.CopyFrom(request)
        if sent.HasField("criteria"):
            settle_evse(sent.criteria, "criteria.")
        effects = ClearProfiles(criteria=to_criteria(sent))
        answer = charging_profile_pb2.ClearChargingProfileResponse
        return await self._send("clear_charging_profile", request, answer, context, sent=sent, effects=effects)

    async def GetCompositeSchedule(
        self, request: charging_profile_pb2.GetCompositeScheduleRequest, context: Context
    ) -> charging_profile_pb2.GetCompositeScheduleResponse:
        """Asks a station what comes of all its charging profiles together."""
        sent = charging_profile_pb2.GetCompositeScheduleRequest()
        sent.CopyFrom(request)
        settle_evse(sent)
        answer = charging_profile_pb2.GetCompositeScheduleResponse
        return await self._send("get_composite_schedule", request, answer, context, sent=sent)

    async def ReserveNow(
        self, request: reservation_pb2.ReserveNowRequest, context: Context
    ) -> reservation_pb2.ReserveNowResponse:
        """Asks a station to keep a place."""
        sent = reservation_pb2.ReserveNowRequest()
        sent.CopyFrom(request)
        settle_evse(sent)
        check_reserve(sent)
        effects = Reserve(sent=sent, id_token=request.id_token)
        await self._forms.apply(sent.id_token, context)
        answer = reservation_pb2.ReserveNowResponse
        return await self._send("reserve_now", request, answer, context, sent=sent, effects=effects)

    async def CancelReservation(
        self, request: reservation_pb2.CancelReservationRequest, context: Context
    ) -> reservation_pb2.CancelReservationResponse:
        """Asks a station to cancel a reservation."""
        effects = Cancel(reservation_id=request.reservation_id)
        answer = reservation_pb2.CancelReservationResponse
        return await self._send("cancel_reservation", request, answer, context, effects=effects)

    async def UpdateFirmware(
        self, request: firmware_pb2.UpdateFirmwareRequest, context: Context
    ) -> firmware_pb2.UpdateFirmwareResponse:
        """Has a station update its firmware."""
        if request.firmware_update_id < 0:
            raise invalid_field("firmware_update_id", "must not be below 0")
        sent = firmware.complete(request, self._clock)
        answer, effects = firmware_pb2.UpdateFirmwareResponse, firmware.effects_of(sent)
        return await self._send("update_firmware", request, answer, context, sent=sent, effects=effects)

    async def GetLog(self, request: log_pb2.GetLogRequest, context: Context) -> log_pb2.GetLogResponse:
        """Has a station upload a log."""
        if request.log_upload_id < 0:
            raise invalid_field("log_upload_id", "must not be below 0")
        sent = log_uploads.complete(request)
        answer, effects = log_pb2.GetLogResponse, log_uploads.effects_of(sent)
        return await self._send("get_log", request, answer, context, sent=sent, effects=effects)

    async def CertificateSigned(
        self, request: certificates.CertificateSignedRequest, context: Context
    ) -> certificates.CertificateSignedResponse:
        """Hands a station a certificate of its own."""
        check_chain(request.certificate_chain, "certificate_chain", self._clock())
        effects, answer = FitsStation(chain=request.certificate_chain), certificates.CertificateSignedResponse
        return await self._send("certificate_signed", request, answer, context, effects=effects)

    async def InstallCertificate(
        self, request: certificates.InstallCertificateRequest, context: Context
    ) -> certificates.InstallCertificateResponse:
        """Gives a station a root certificate to trust."""
        check_root(request.certificate, "certificate", self._clock())
        return await self._send("install_certificate", request, certificates.InstallCertificateResponse, context)

    async def DeleteCertificate(
        self, request: certificates.DeleteCertificateRequest, context: Context
    ) -> certificates.DeleteCertificateResponse:
        """Removes a certificate from a station."""
        effects, answer = ForgetCertificate(request.certificate_hash_data), certificates.DeleteCertificateResponse
        return await self._send("delete_certificate", request, answer, context, effects=effects)

    async def GetInstalledCertificateIds(
        self, request: certificates.GetInstalledCertificateIdsRequest, context: Context
    ) -> certificates.GetInstalledCertificateIdsResponse:
        """Asks a station for its certificates, and remembers what it tells."""
        effects = RememberCertificates(frozenset(request.certificate_types))
        answer = certificates.GetInstalledCertificateIdsResponse
        return await self._send("get_installed_certificate_ids", request, answer, context, effects=effects)

    async def SendCall(self, request: command.SendCallRequest, context: Context) -> command.SendCallResponse:
        """Sends any action of the station's OCPP version."""
        return await self._send("send_call", request, command.SendCallResponse, context)
