"""Every command, with a request and an answer of each."""

from collections.abc import Iterator
from typing import Any

from csms.common.v1 import evse_pb2, id_token_pb2, status_info_pb2
from csms.station.v1 import (
    certificate_pb2,
    charging_profile_pb2,
    customer_information_pb2,
    device_model_pb2,
    display_message_pb2,
    firmware_pb2,
    firmware_publication_pb2,
    local_list_pb2,
    log_pb2,
    monitoring_pb2,
    network_profile_pb2,
    reservation_pb2,
    station_pb2,
)
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.contract.services import command_name
from mesh.runtime.times import to_datetime, to_timestamp
from tests import certificates
from tests.conftest import FakeClock
from tests.station_svc.commands.far_gateway import ACCEPTED, RESET

# A certificate of now, by the clock that stands still.
_ROOT = certificates.authority("Root", now=to_datetime(FakeClock()())).pem

# Commands that need more than a station, or whose answer has more than a status.
_BY_HAND: list[tuple[str, str, Any, Any]] = [
    (
        "CertificateSigned",
        "certificate_signed",
        certificate_pb2.CertificateSignedRequest(station_id="CP1", certificate_chain=_ROOT),
        certificate_pb2.CertificateSignedResponse(status=certificate_pb2.CERTIFICATE_SIGNED_STATUS_REJECTED),
    ),
    (
        "InstallCertificate",
        "install_certificate",
        certificate_pb2.InstallCertificateRequest(
            station_id="CP1",
            certificate_type=certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE,
            certificate=_ROOT,
        ),
        certificate_pb2.InstallCertificateResponse(status=certificate_pb2.INSTALL_CERTIFICATE_STATUS_FAILED),
    ),
    (
        "DeleteCertificate",
        "delete_certificate",
        certificate_pb2.DeleteCertificateRequest(
            station_id="CP1",
            certificate_hash_data=certificate_pb2.CertificateHashData(
                hash_algorithm=certificate_pb2.HASH_ALGORITHM_SHA256,
                issuer_name_hash="a",
                issuer_key_hash="b",
                serial_number="1",
            ),
        ),
        certificate_pb2.DeleteCertificateResponse(status=certificate_pb2.DELETE_CERTIFICATE_STATUS_NOT_FOUND),
    ),
    (
        "GetInstalledCertificateIds",
        "get_installed_certificate_ids",
        certificate_pb2.GetInstalledCertificateIdsRequest(station_id="CP1"),
        certificate_pb2.GetInstalledCertificateIdsResponse(
            status=certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND
        ),
    ),
    (
        "RequestStartTransaction",
        "request_start_transaction",
        pb.RequestStartTransactionRequest(
            station_id="CP1", id_token=id_token_pb2.IdToken(id_token="T1"), evse_id=1, remote_start_id=7
        ),
        pb.RequestStartTransactionResponse(status=pb.REQUEST_START_STOP_STATUS_ACCEPTED, transaction_id="x"),
    ),
    (
        "RequestStopTransaction",
        "request_stop_transaction",
        pb.RequestStopTransactionRequest(station_id="CP1", transaction_id="12"),
        pb.RequestStopTransactionResponse(status=pb.REQUEST_START_STOP_STATUS_REJECTED),
    ),
    ("Reset", "reset", RESET, ACCEPTED.reset),
    (
        "UnlockConnector",
        "unlock_connector",
        pb.UnlockConnectorRequest(station_id="CP1", evse=evse_pb2.EvseRef(evse_id=2)),
        pb.UnlockConnectorResponse(status=pb.UNLOCK_STATUS_UNLOCKED),
    ),
    (
        "ChangeAvailability",
        "change_availability",
        pb.ChangeAvailabilityRequest(
            station_id="CP1", operational_status=pb.OPERATIONAL_STATUS_INOPERATIVE, evse=evse_pb2.EvseRef()
        ),
        pb.ChangeAvailabilityResponse(status=pb.CHANGE_AVAILABILITY_STATUS_SCHEDULED),
    ),
    (
        "GetVariables",
        "get_variables",
        pb.GetVariablesRequest(station_id="CP1", variables=[station_pb2.Variable(variable="HeartbeatInterval")]),
        pb.GetVariablesResponse(),
    ),
    (
        "SetVariables",
        "set_variables",
        pb.SetVariablesRequest(station_id="CP1", variables=[station_pb2.Variable(variable="X", value="1")]),
        pb.SetVariablesResponse(),
    ),
    (
        "GetBaseReport",
        "get_base_report",
        device_model_pb2.GetBaseReportRequest(
            station_id="CP1", variable_report_id=7, report_base=device_model_pb2.REPORT_BASE_FULL_INVENTORY
        ),
        device_model_pb2.GetBaseReportResponse(
            status=device_model_pb2.DEVICE_MODEL_STATUS_REJECTED, variable_report_id=7
        ),
    ),
    (
        "GetReport",
        "get_report",
        device_model_pb2.GetReportRequest(station_id="CP1", variable_report_id=8),
        device_model_pb2.GetReportResponse(
            status=device_model_pb2.DEVICE_MODEL_STATUS_EMPTY_RESULT_SET, variable_report_id=8
        ),
    ),
    (
        "SetNetworkProfile",
        "set_network_profile",
        network_profile_pb2.SetNetworkProfileRequest(
            station_id="CP1",
            connection_data=network_profile_pb2.NetworkConnectionProfile(
                ocpp_version=network_profile_pb2.NETWORK_OCPP_VERSION_OCPP20,
                ocpp_csms_url="wss://csms",
                message_timeout_s=30,
                ocpp_interface=network_profile_pb2.OCPP_INTERFACE_WIRED0,
            ),
        ),
        network_profile_pb2.SetNetworkProfileResponse(
            status=network_profile_pb2.SET_NETWORK_PROFILE_STATUS_REJECTED
        ),
    ),
    (
        "TriggerMessage",
        "trigger_message",
        pb.TriggerMessageRequest(station_id="CP1", requested_message=pb.MESSAGE_TRIGGER_HEARTBEAT),
        pb.TriggerMessageResponse(status=pb.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED),
    ),
    (
        "DataTransfer",
        "data_transfer",
        pb.DataTransferRequest(station_id="CP1", vendor_id="v", data="d"),
        pb.DataTransferResponse(status=ingest_pb2.DATA_TRANSFER_STATUS_ACCEPTED, data="e"),
    ),
    (
        "GetLocalListVersion",
        "get_local_list_version",
        local_list_pb2.GetLocalListVersionRequest(station_id="CP1"),
        local_list_pb2.GetLocalListVersionResponse(version_number=0),
    ),
    (
        "SendLocalList",
        "send_local_list",
        local_list_pb2.SendLocalListRequest(
            station_id="CP1", version_number=3, update_type=local_list_pb2.LOCAL_LIST_UPDATE_TYPE_FULL
        ),
        local_list_pb2.SendLocalListResponse(status=local_list_pb2.SEND_LOCAL_LIST_STATUS_ACCEPTED),
    ),
    (
        "SetChargingProfile",
        "set_charging_profile",
        charging_profile_pb2.SetChargingProfileRequest(
            station_id="CP1",
            evse_id=1,
            charging_profile=charging_profile_pb2.ChargingProfile(
                charging_profile_id=5,
                purpose=charging_profile_pb2.CHARGING_PROFILE_PURPOSE_TX_PROFILE,
                kind=charging_profile_pb2.CHARGING_PROFILE_KIND_RELATIVE,
                schedules=[
                    charging_profile_pb2.ChargingSchedule(
                        charging_rate_unit=charging_profile_pb2.CHARGING_RATE_UNIT_WATTS,
                        periods=[charging_profile_pb2.ChargingSchedulePeriod(limit=7400)],
                    )
                ],
            ),
        ),
        charging_profile_pb2.SetChargingProfileResponse(
            status=charging_profile_pb2.CHARGING_PROFILE_STATUS_ACCEPTED, charging_profile_id=5
        ),
    ),
    (
        "ClearChargingProfile",
        "clear_charging_profile",
        charging_profile_pb2.ClearChargingProfileRequest(station_id="CP1", charging_profile_id=5),
        charging_profile_pb2.ClearChargingProfileResponse(
            status=charging_profile_pb2.CLEAR_CHARGING_PROFILE_STATUS_UNKNOWN
        ),
    ),
    (
        "GetCompositeSchedule",
        "get_composite_schedule",
        charging_profile_pb2.GetCompositeScheduleRequest(station_id="CP1", duration_s=60),
        charging_profile_pb2.GetCompositeScheduleResponse(status=status_info_pb2.GENERIC_STATUS_REJECTED),
    ),
    (
        "GetChargingProfiles",
        "get_charging_profiles",
        charging_profile_pb2.GetChargingProfilesRequest(station_id="CP1", report_id=7),
        charging_profile_pb2.GetChargingProfilesResponse(
            status=charging_profile_pb2.GET_CHARGING_PROFILES_STATUS_NO_PROFILES, report_id=7
        ),
    ),
    (
        "CostUpdated",
        "cost_updated",
        pb.CostUpdatedRequest(station_id="CP1", transaction_id="tx", total_cost="3.25"),
        pb.CostUpdatedResponse(),
    ),
    (
        "ReserveNow",
        "reserve_now",
        reservation_pb2.ReserveNowRequest(
            station_id="CP1",
            id_token=id_token_pb2.IdToken(id_token="T1"),
            expire_time=Timestamp(seconds=1_760_000_000),
            reservation_id=1,
        ),
        reservation_pb2.ReserveNowResponse(status=reservation_pb2.RESERVE_NOW_STATUS_OCCUPIED, reservation_id=1),
    ),
    (
        "CancelReservation",
        "cancel_reservation",
        reservation_pb2.CancelReservationRequest(station_id="CP1", reservation_id=9),
        reservation_pb2.CancelReservationResponse(status=reservation_pb2.CANCEL_RESERVATION_STATUS_REJECTED),
    ),
    (
        "UpdateFirmware",
        "update_firmware",
        firmware_pb2.UpdateFirmwareRequest(
            station_id="CP1",
            firmware_update_id=7,
            firmware=firmware_pb2.Firmware(location="ftp://x/f", retrieve_time=to_timestamp(1)),
        ),
        firmware_pb2.UpdateFirmwareResponse(status=firmware_pb2.UPDATE_FIRMWARE_STATUS_REJECTED, firmware_update_id=7),
    ),
    (
        "PublishFirmware",
        "publish_firmware",
        firmware_publication_pb2.PublishFirmwareRequest(
            station_id="CP1", firmware_publication_id=7, location="ftp://x/f", checksum="0" * 32
        ),
        firmware_publication_pb2.PublishFirmwareResponse(
            status=status_info_pb2.GENERIC_STATUS_REJECTED, firmware_publication_id=7
        ),
    ),
    (
        "UnpublishFirmware",
        "unpublish_firmware",
        firmware_publication_pb2.UnpublishFirmwareRequest(station_id="CP1", checksum="0" * 32),
        firmware_publication_pb2.UnpublishFirmwareResponse(
            status=firmware_publication_pb2.UNPUBLISH_FIRMWARE_STATUS_NO_FIRMWARE
        ),
    ),
    (
        "GetLog",
        "get_log",
        log_pb2.GetLogRequest(
            station_id="CP1",
            log_upload_id=7,
            log_type=log_pb2.LOG_TYPE_SECURITY,
            log=log_pb2.LogParameters(remote_location="ftp://x/"),
        ),
        log_pb2.GetLogResponse(status=log_pb2.LOG_STATUS_ACCEPTED, file_name="f", log_upload_id=7),
    ),
    (
        "SetVariableMonitoring",
        "set_variable_monitoring",
        monitoring_pb2.SetVariableMonitoringRequest(
            station_id="CP1",
            monitors=[
                monitoring_pb2.Monitor(
                    variable=station_pb2.Variable(component="C", variable="X"), type=monitoring_pb2.MONITOR_TYPE_DELTA
                )
            ],
        ),
        monitoring_pb2.SetVariableMonitoringResponse(),
    ),
    (
        "ClearVariableMonitoring",
        "clear_variable_monitoring",
        monitoring_pb2.ClearVariableMonitoringRequest(station_id="CP1", monitor_ids=[7]),
        monitoring_pb2.ClearVariableMonitoringResponse(),
    ),
    (
        "SetMonitoringLevel",
        "set_monitoring_level",
        monitoring_pb2.SetMonitoringLevelRequest(station_id="CP1", severity=0),
        monitoring_pb2.SetMonitoringLevelResponse(status=status_info_pb2.GENERIC_STATUS_ACCEPTED),
    ),
    (
        "SetMonitoringBase",
        "set_monitoring_base",
        monitoring_pb2.SetMonitoringBaseRequest(
            station_id="CP1", monitoring_base=monitoring_pb2.MONITORING_BASE_HARD_WIRED_ONLY
        ),
        monitoring_pb2.SetMonitoringBaseResponse(status=device_model_pb2.DEVICE_MODEL_STATUS_ACCEPTED),
    ),
    (
        "GetMonitoringReport",
        "get_monitoring_report",
        monitoring_pb2.GetMonitoringReportRequest(station_id="CP1", report_id=3),
        monitoring_pb2.GetMonitoringReportResponse(status=device_model_pb2.DEVICE_MODEL_STATUS_REJECTED, report_id=3),
    ),
    (
        "CustomerInformation",
        "customer_information",
        customer_information_pb2.CustomerInformationRequest(
            station_id="CP1", report_id=3, report=True, id_token=id_token_pb2.IdToken(id_token="T1")
        ),
        customer_information_pb2.CustomerInformationResponse(
            status=customer_information_pb2.CUSTOMER_INFORMATION_STATUS_INVALID, report_id=3
        ),
    ),
    (
        "SetDisplayMessage",
        "set_display_message",
        display_message_pb2.SetDisplayMessageRequest(
            station_id="CP1",
            message=display_message_pb2.DisplayMessage(
                display_message_id=3,
                priority=display_message_pb2.MESSAGE_PRIORITY_IN_FRONT,
                format=display_message_pb2.MESSAGE_FORMAT_UTF8,
                content="Welcome",
            ),
        ),
        display_message_pb2.SetDisplayMessageResponse(
            status=display_message_pb2.DISPLAY_MESSAGE_STATUS_REJECTED, display_message_id=3
        ),
    ),
    (
        "GetDisplayMessages",
        "get_display_messages",
        display_message_pb2.GetDisplayMessagesRequest(station_id="CP1", report_id=3),
        display_message_pb2.GetDisplayMessagesResponse(
            status=display_message_pb2.GET_DISPLAY_MESSAGES_STATUS_UNKNOWN, report_id=3
        ),
    ),
    (
        "ClearDisplayMessage",
        "clear_display_message",
        display_message_pb2.ClearDisplayMessageRequest(station_id="CP1", display_message_id=0),
        display_message_pb2.ClearDisplayMessageResponse(status=display_message_pb2.CLEAR_MESSAGE_STATUS_UNKNOWN),
    ),
    (
        "SendCall",
        "send_call",
        pb.SendCallRequest(station_id="CP1", action="Reset", payload=json_format.ParseDict({"a": [1, 2.5]}, pb.SendCallRequest().payload)),  # noqa: E501
        pb.SendCallResponse(payload=json_format.ParseDict({"status": "Accepted"}, pb.SendCallResponse().payload)),
    ),
]  # fmt: skip


def _every_command() -> Iterator[tuple[str, str, Any, Any]]:
    """Each RPC of CommandService: as it stands above, or else with nothing but the station, and its first status."""
    by_hand = {row[0]: row for row in _BY_HAND}
    for method in pb.DESCRIPTOR.services_by_name["CommandService"].methods:
        request, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        status = {"status": 1} if "status" in method.output_type.fields_by_name else {}
        least = (method.name, command_name(method.name), request(station_id="CP1"), answer(**status))
        yield by_hand.get(method.name, least)


EVERY_COMMAND = list(_every_command())
