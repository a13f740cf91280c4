"""The tables of words against the schemas of every version: none may lack a word, none may make one up."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from csms.common.v1 import certificate_pb2 as common_certificate_pb2
from csms.common.v1 import id_token_pb2, meter_value_pb2, status_info_pb2
from csms.options.v1 import options_pb2
from csms.station.v1 import (
    alarm_pb2,
    certificate_pb2,
    charging_profile_pb2,
    command_service_pb2,
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
    station_ingest_service_pb2,
    station_pb2,
)
from csms.transaction.v1 import transaction_event_pb2

from gateway.ocpp import certificate_enums, device_model_enums, enums, monitoring_enums
from gateway.ocpp.schemas import KINDS, Schemas
from gateway.ocpp.versions import BY_LABEL, V16

# Enumerations of 2.x by the names of their types.
TABLES_2: Mapping[str, Mapping[str, int]] = {
    "ClearMessageStatusEnumType": monitoring_enums.CLEAR_MESSAGE_STATUSES,
    "ClearMonitoringStatusEnumType": monitoring_enums.CLEAR_MONITORING_STATUSES,
    "CustomerInformationStatusEnumType": monitoring_enums.CUSTOMER_INFORMATION_STATUSES,
    "DisplayMessageStatusEnumType": monitoring_enums.DISPLAY_MESSAGE_STATUSES,
    "EventNotificationEnumType": monitoring_enums.EVENT_NOTIFICATION_TYPES,
    "EventTriggerEnumType": monitoring_enums.EVENT_TRIGGERS,
    "GetDisplayMessagesStatusEnumType": monitoring_enums.GET_DISPLAY_MESSAGES_STATUSES,
    "MessageFormatEnumType": monitoring_enums.MESSAGE_FORMATS,
    "MessagePriorityEnumType": monitoring_enums.MESSAGE_PRIORITIES,
    "MessageStateEnumType": monitoring_enums.MESSAGE_STATES,
    "MonitorEnumType": monitoring_enums.MONITOR_TYPES,
    "MonitoringBaseEnumType": monitoring_enums.MONITORING_BASES,
    "MonitoringCriterionEnumType": monitoring_enums.MONITORING_CRITERIA,
    "SetMonitoringStatusEnumType": monitoring_enums.SET_MONITORING_STATUSES,
    "AuthorizeCertificateStatusEnumType": certificate_enums.AUTHORIZE_CERTIFICATE_STATUSES,
    "CertificateActionEnumType": certificate_enums.CERTIFICATE_ACTIONS,
    "CertificateSignedStatusEnumType": certificate_enums.CERTIFICATE_SIGNED_STATUSES,
    "CertificateSigningUseEnumType": certificate_enums.CERTIFICATE_SIGNING_USES,
    "DeleteCertificateStatusEnumType": certificate_enums.DELETE_CERTIFICATE_STATUSES,
    "GetCertificateIdUseEnumType": certificate_enums.GET_CERTIFICATE_ID_USES,
    "GetInstalledCertificateStatusEnumType": certificate_enums.GET_INSTALLED_CERTIFICATE_STATUSES,
    "HashAlgorithmEnumType": certificate_enums.HASH_ALGORITHMS,
    "InstallCertificateStatusEnumType": certificate_enums.INSTALL_CERTIFICATE_STATUSES,
    "InstallCertificateUseEnumType": certificate_enums.INSTALL_CERTIFICATE_USES,
    "APNAuthenticationEnumType": device_model_enums.APN_AUTHENTICATIONS,
    "ComponentCriterionEnumType": device_model_enums.COMPONENT_CRITERIA,
    "DataEnumType": device_model_enums.VARIABLE_DATA_TYPES,
    "GenericDeviceModelStatusEnumType": device_model_enums.DEVICE_MODEL_STATUSES,
    "MutabilityEnumType": device_model_enums.MUTABILITIES,
    "OCPPInterfaceEnumType": device_model_enums.OCPP_INTERFACES,
    "OCPPTransportEnumType": device_model_enums.OCPP_TRANSPORTS,
    "OCPPVersionEnumType": device_model_enums.NETWORK_OCPP_VERSIONS,
    "ReportBaseEnumType": device_model_enums.REPORT_BASES,
    "SetNetworkProfileStatusEnumType": device_model_enums.SET_NETWORK_PROFILE_STATUSES,
    "VPNEnumType": device_model_enums.VPN_TYPES,
    "AuthorizationStatusEnumType": enums.AUTHORIZATION_STATUSES,
    "BootReasonEnumType": enums.BOOT_REASONS,
    "CancelReservationStatusEnumType": enums.CANCEL_RESERVATION_STATUSES,
    "ChangeAvailabilityStatusEnumType": enums.CHANGE_AVAILABILITY_STATUSES,
    "ChargingProfileKindEnumType": enums.CHARGING_PROFILE_KINDS,
    "ChargingProfilePurposeEnumType": enums.CHARGING_PROFILE_PURPOSES,
    "ChargingProfileStatusEnumType": enums.CHARGING_PROFILE_STATUSES,
    "ChargingRateUnitEnumType": enums.CHARGING_RATE_UNITS,
    "ChargingLimitSourceEnumType": enums.CHARGING_LIMIT_SOURCES,
    "CostKindEnumType": enums.COST_KINDS,
    "EnergyTransferModeEnumType": enums.ENERGY_TRANSFER_MODES,
    "GetChargingProfileStatusEnumType": enums.GET_CHARGING_PROFILES_STATUSES,
    "ChargingStateEnumType": enums.CHARGING_STATES,
    "ClearCacheStatusEnumType": enums.CLEAR_CACHE_STATUSES,
    "ClearChargingProfileStatusEnumType": enums.CLEAR_CHARGING_PROFILE_STATUSES,
    "ConnectorStatusEnumType": enums.CONNECTOR_STATUSES,
    "DataTransferStatusEnumType": enums.DATA_TRANSFER_STATUSES,
    "FirmwareStatusEnumType": enums.FIRMWARE_STATUSES,
    "GenericStatusEnumType": enums.GENERIC_STATUSES,
    "GetVariableStatusEnumType": enums.GET_VARIABLE_STATUSES,
    "LocationEnumType": enums.LOCATIONS,
    "LogEnumType": enums.LOG_TYPES,
    "LogStatusEnumType": enums.LOG_STATUSES,
    "MeasurandEnumType": enums.MEASURANDS,
    "MessageTriggerEnumType": enums.MESSAGE_TRIGGERS,
    "OperationalStatusEnumType": enums.OPERATIONAL_STATUSES,
    "PhaseEnumType": enums.PHASES,
    "PublishFirmwareStatusEnumType": enums.PUBLISH_FIRMWARE_STATUSES,
    "ReadingContextEnumType": enums.READING_CONTEXTS,
    "ReasonEnumType": enums.STOPPED_REASONS,
    "RecurrencyKindEnumType": enums.RECURRENCY_KINDS,
    "RegistrationStatusEnumType": enums.REGISTRATION_STATUSES,
    "RequestStartStopStatusEnumType": enums.REQUEST_START_STOP_STATUSES,
    "ReservationUpdateStatusEnumType": enums.RESERVATION_UPDATE_STATUSES,
    "ReserveNowStatusEnumType": enums.RESERVE_NOW_STATUSES,
    "ResetEnumType": enums.RESET_TYPES,
    "ResetStatusEnumType": enums.RESET_STATUSES,
    "SendLocalListStatusEnumType": enums.SEND_LOCAL_LIST_STATUSES,
    "SetVariableStatusEnumType": enums.SET_VARIABLE_STATUSES,
    "TransactionEventEnumType": enums.EVENT_TYPES,
    "TriggerMessageStatusEnumType": enums.TRIGGER_MESSAGE_STATUSES,
    "TriggerReasonEnumType": enums.TRIGGER_REASONS,
    "UpdateEnumType": enums.LOCAL_LIST_UPDATE_TYPES,
    "UnpublishFirmwareStatusEnumType": enums.UNPUBLISH_FIRMWARE_STATUSES,
    "UnlockStatusEnumType": enums.UNLOCK_STATUSES,
    "UpdateFirmwareStatusEnumType": enums.UPDATE_FIRMWARE_STATUSES,
    "UploadLogStatusEnumType": enums.UPLOAD_LOG_STATUSES,
}

# Enumerations of 1.6 by message and field; "#" stands before the name of a type.
TABLES_16: Mapping[str, Mapping[str, int]] = {
    "CertificateSignedResponse #CertificateSignedStatusEnumType": certificate_enums.CERTIFICATE_SIGNED_STATUSES,
    "DeleteCertificate #HashAlgorithmEnumType": certificate_enums.HASH_ALGORITHMS,
    "DeleteCertificateResponse #DeleteCertificateStatusEnumType": certificate_enums.DELETE_CERTIFICATE_STATUSES,
    "GetInstalledCertificateIds #CertificateUseEnumType": certificate_enums.GET_CERTIFICATE_ID_USES_16,
    "GetInstalledCertificateIdsResponse #GetInstalledCertificateStatusEnumType": (
        certificate_enums.GET_INSTALLED_CERTIFICATE_STATUSES
    ),
    "GetInstalledCertificateIdsResponse #HashAlgorithmEnumType": certificate_enums.HASH_ALGORITHMS,
    "InstallCertificate #CertificateUseEnumType": certificate_enums.INSTALL_CERTIFICATE_USES_16,
    "InstallCertificateResponse #InstallCertificateStatusEnumType": certificate_enums.INSTALL_CERTIFICATE_STATUSES,
    "AuthorizeResponse idTagInfo.status": enums.AUTHORIZATION_STATUSES,
    "BootNotificationResponse status": enums.REGISTRATION_STATUSES,
    "CancelReservationResponse status": enums.CANCEL_RESERVATION_STATUSES,
    "ChangeAvailability type": enums.OPERATIONAL_STATUSES,
    "ChangeAvailabilityResponse status": enums.CHANGE_AVAILABILITY_STATUSES,
    "ChangeConfigurationResponse status": enums.SET_VARIABLE_STATUSES,
    "ClearCacheResponse status": enums.CLEAR_CACHE_STATUSES,
    "ClearChargingProfile chargingProfilePurpose": enums.CHARGING_PROFILE_PURPOSES_16,
    "ClearChargingProfileResponse status": enums.CLEAR_CHARGING_PROFILE_STATUSES,
    "DataTransferResponse status": enums.DATA_TRANSFER_STATUSES,
    "DiagnosticsStatusNotification status": enums.UPLOAD_LOG_STATUSES,
    "ExtendedTriggerMessage #MessageTriggerEnumType": enums.MESSAGE_TRIGGERS,
    "ExtendedTriggerMessageResponse #TriggerMessageStatusEnumType": enums.TRIGGER_MESSAGE_STATUSES,
    "GetCompositeSchedule chargingRateUnit": enums.CHARGING_RATE_UNITS,
    "GetCompositeScheduleResponse chargingSchedule.chargingRateUnit": enums.CHARGING_RATE_UNITS,
    "GetCompositeScheduleResponse status": enums.GENERIC_STATUSES,
    "FirmwareStatusNotification status": enums.FIRMWARE_STATUSES,
    "GetLog #LogEnumType": enums.LOG_TYPES,
    "GetLogResponse #LogStatusEnumType": enums.LOG_STATUSES,
    "LogStatusNotification #UploadLogStatusEnumType": enums.UPLOAD_LOG_STATUSES,
    "MeterValues meterValue.sampledValue.context": enums.READING_CONTEXTS,
    "MeterValues meterValue.sampledValue.location": enums.LOCATIONS,
    "MeterValues meterValue.sampledValue.measurand": enums.MEASURANDS,
    "MeterValues meterValue.sampledValue.phase": enums.PHASES,
    "RemoteStartTransaction chargingProfile.chargingProfileKind": enums.CHARGING_PROFILE_KINDS,
    "RemoteStartTransaction chargingProfile.chargingProfilePurpose": enums.CHARGING_PROFILE_PURPOSES_16,
    "RemoteStartTransaction chargingProfile.chargingSchedule.chargingRateUnit": enums.CHARGING_RATE_UNITS,
    "RemoteStartTransaction chargingProfile.recurrencyKind": enums.RECURRENCY_KINDS,
    "RemoteStartTransactionResponse status": enums.REQUEST_START_STOP_STATUSES,
    "RemoteStopTransactionResponse status": enums.REQUEST_START_STOP_STATUSES,
    "ReserveNowResponse status": enums.RESERVE_NOW_STATUSES,
    "Reset type": enums.RESET_TYPES_16,
    "ResetResponse status": enums.RESET_STATUSES,
    "SendLocalList localAuthorizationList.idTagInfo.status": enums.AUTHORIZATION_STATUSES,
    "SendLocalList updateType": enums.LOCAL_LIST_UPDATE_TYPES,
    "SendLocalListResponse status": enums.SEND_LOCAL_LIST_STATUSES,
    "SetChargingProfile csChargingProfiles.chargingProfileKind": enums.CHARGING_PROFILE_KINDS,
    "SetChargingProfile csChargingProfiles.chargingProfilePurpose": enums.CHARGING_PROFILE_PURPOSES_16,
    "SetChargingProfile csChargingProfiles.chargingSchedule.chargingRateUnit": enums.CHARGING_RATE_UNITS,
    "SetChargingProfile csChargingProfiles.recurrencyKind": enums.RECURRENCY_KINDS,
    "SetChargingProfileResponse status": enums.CHARGING_PROFILE_STATUSES,
    "SignedFirmwareStatusNotification #FirmwareStatusEnumType": enums.FIRMWARE_STATUSES,
    "SignedUpdateFirmwareResponse #UpdateFirmwareStatusEnumType": enums.UPDATE_FIRMWARE_STATUSES,
    "SignCertificateResponse #GenericStatusEnumType": enums.GENERIC_STATUSES,
    "StartTransactionResponse idTagInfo.status": enums.AUTHORIZATION_STATUSES,
    "StatusNotification status": enums.CONNECTOR_STATUSES,
    "StopTransaction reason": enums.STOPPED_REASONS,
    "StopTransaction transactionData.sampledValue.context": enums.READING_CONTEXTS,
    "StopTransaction transactionData.sampledValue.location": enums.LOCATIONS,
    "StopTransaction transactionData.sampledValue.measurand": enums.MEASURANDS,
    "StopTransaction transactionData.sampledValue.phase": enums.PHASES,
    "StopTransactionResponse idTagInfo.status": enums.AUTHORIZATION_STATUSES,
    "TriggerMessage requestedMessage": enums.MESSAGE_TRIGGERS,
    "TriggerMessageResponse status": enums.TRIGGER_MESSAGE_STATUSES,
    "UnlockConnectorResponse status": enums.UNLOCK_STATUSES,
}

# Words of ours to send for which the contract has no value yet (2.1).
NOT_YET = {"ImmediateAndResume", "SignV2G20Certificate", "CustomTrigger"}

# The equivalent of 1.6's NotSupported, if 2.x has no such word.
NOT_SUPPORTED: Mapping[Any, str] = {
    charging_profile_pb2.ChargingProfileStatus: "REJECTED",
    command_service_pb2.SetVariableStatus: "UNKNOWN_VARIABLE",
    command_service_pb2.UnlockStatus: "NOT_SUPPORTED",
}

ENUMS: Mapping[Any, Mapping[str, int]] = {
    alarm_pb2.EventNotificationType: monitoring_enums.EVENT_NOTIFICATION_TYPES,
    alarm_pb2.EventTrigger: monitoring_enums.EVENT_TRIGGERS,
    customer_information_pb2.CustomerInformationStatus: monitoring_enums.CUSTOMER_INFORMATION_STATUSES,
    display_message_pb2.ClearMessageStatus: monitoring_enums.CLEAR_MESSAGE_STATUSES,
    display_message_pb2.DisplayMessageStatus: monitoring_enums.DISPLAY_MESSAGE_STATUSES,
    display_message_pb2.GetDisplayMessagesStatus: monitoring_enums.GET_DISPLAY_MESSAGES_STATUSES,
    display_message_pb2.MessageFormat: monitoring_enums.MESSAGE_FORMATS,
    display_message_pb2.MessagePriority: monitoring_enums.MESSAGE_PRIORITIES,
    display_message_pb2.MessageState: monitoring_enums.MESSAGE_STATES,
    monitoring_pb2.ClearMonitoringStatus: monitoring_enums.CLEAR_MONITORING_STATUSES,
    monitoring_pb2.MonitorType: monitoring_enums.MONITOR_TYPES,
    monitoring_pb2.MonitoringBase: monitoring_enums.MONITORING_BASES,
    monitoring_pb2.MonitoringCriterion: monitoring_enums.MONITORING_CRITERIA,
    monitoring_pb2.SetMonitoringStatus: monitoring_enums.SET_MONITORING_STATUSES,
    charging_profile_pb2.ChargingProfileKind: enums.CHARGING_PROFILE_KINDS,
    charging_profile_pb2.ChargingProfilePurpose: enums.CHARGING_PROFILE_PURPOSES,
    charging_profile_pb2.ChargingProfileStatus: enums.CHARGING_PROFILE_STATUSES,
    charging_profile_pb2.ChargingRateUnit: enums.CHARGING_RATE_UNITS,
    charging_profile_pb2.ClearChargingProfileStatus: enums.CLEAR_CHARGING_PROFILE_STATUSES,
    charging_profile_pb2.RecurrencyKind: enums.RECURRENCY_KINDS,
    common_certificate_pb2.AuthorizeCertificateStatus: certificate_enums.AUTHORIZE_CERTIFICATE_STATUSES,
    common_certificate_pb2.CertificateAction: certificate_enums.CERTIFICATE_ACTIONS,
    common_certificate_pb2.CertificateSigningUse: certificate_enums.CERTIFICATE_SIGNING_USES,
    certificate_pb2.CertificateSignedStatus: certificate_enums.CERTIFICATE_SIGNED_STATUSES,
    certificate_pb2.DeleteCertificateStatus: certificate_enums.DELETE_CERTIFICATE_STATUSES,
    certificate_pb2.GetCertificateIdUse: certificate_enums.GET_CERTIFICATE_ID_USES,
    certificate_pb2.GetInstalledCertificateStatus: certificate_enums.GET_INSTALLED_CERTIFICATE_STATUSES,
    certificate_pb2.HashAlgorithm: certificate_enums.HASH_ALGORITHMS,
    certificate_pb2.InstallCertificateStatus: certificate_enums.INSTALL_CERTIFICATE_STATUSES,
    certificate_pb2.InstallCertificateUse: certificate_enums.INSTALL_CERTIFICATE_USES,
    command_service_pb2.ChangeAvailabilityStatus: enums.CHANGE_AVAILABILITY_STATUSES,
    command_service_pb2.ClearCacheStatus: enums.CLEAR_CACHE_STATUSES,
    command_service_pb2.GetVariableStatus: enums.GET_VARIABLE_STATUSES,
    command_service_pb2.MessageTrigger: enums.MESSAGE_TRIGGERS,
    command_service_pb2.OperationalStatus: enums.OPERATIONAL_STATUSES,
    command_service_pb2.RequestStartStopStatus: enums.REQUEST_START_STOP_STATUSES,
    command_service_pb2.ResetStatus: enums.RESET_STATUSES,
    command_service_pb2.ResetType: enums.RESET_TYPES,
    command_service_pb2.SetVariableStatus: enums.SET_VARIABLE_STATUSES,
    command_service_pb2.TriggerMessageStatus: enums.TRIGGER_MESSAGE_STATUSES,
    command_service_pb2.UnlockStatus: enums.UNLOCK_STATUSES,
    device_model_pb2.ComponentCriterion: device_model_enums.COMPONENT_CRITERIA,
    device_model_pb2.DeviceModelStatus: device_model_enums.DEVICE_MODEL_STATUSES,
    device_model_pb2.ReportBase: device_model_enums.REPORT_BASES,
    firmware_pb2.FirmwareStatus: enums.FIRMWARE_STATUSES,
    firmware_pb2.UpdateFirmwareStatus: enums.UPDATE_FIRMWARE_STATUSES,
    firmware_publication_pb2.PublishFirmwareStatus: enums.PUBLISH_FIRMWARE_STATUSES,
    firmware_publication_pb2.UnpublishFirmwareStatus: enums.UNPUBLISH_FIRMWARE_STATUSES,
    id_token_pb2.AuthorizationStatus: enums.AUTHORIZATION_STATUSES,
    local_list_pb2.LocalListUpdateType: enums.LOCAL_LIST_UPDATE_TYPES,
    local_list_pb2.SendLocalListStatus: enums.SEND_LOCAL_LIST_STATUSES,
    log_pb2.LogStatus: enums.LOG_STATUSES,
    log_pb2.LogType: enums.LOG_TYPES,
    log_pb2.UploadLogStatus: enums.UPLOAD_LOG_STATUSES,
    meter_value_pb2.Measurand: enums.MEASURANDS,
    meter_value_pb2.MeasurandLocation: enums.LOCATIONS,
    meter_value_pb2.Phase: enums.PHASES,
    meter_value_pb2.ReadingContext: enums.READING_CONTEXTS,
    network_profile_pb2.ApnAuthentication: device_model_enums.APN_AUTHENTICATIONS,
    network_profile_pb2.NetworkOcppVersion: device_model_enums.NETWORK_OCPP_VERSIONS,
    network_profile_pb2.OcppInterface: device_model_enums.OCPP_INTERFACES,
    network_profile_pb2.OcppTransport: device_model_enums.OCPP_TRANSPORTS,
    network_profile_pb2.SetNetworkProfileStatus: device_model_enums.SET_NETWORK_PROFILE_STATUSES,
    network_profile_pb2.VpnType: device_model_enums.VPN_TYPES,
    reservation_pb2.CancelReservationStatus: enums.CANCEL_RESERVATION_STATUSES,
    reservation_pb2.ReservationUpdateStatus: enums.RESERVATION_UPDATE_STATUSES,
    reservation_pb2.ReserveNowStatus: enums.RESERVE_NOW_STATUSES,
    status_info_pb2.GenericStatus: enums.GENERIC_STATUSES,
    station_ingest_service_pb2.DataTransferStatus: enums.DATA_TRANSFER_STATUSES,
    station_pb2.BootReason: enums.BOOT_REASONS,
    station_pb2.ConnectorStatus: enums.CONNECTOR_STATUSES,
    station_pb2.Mutability: device_model_enums.MUTABILITIES,
    station_pb2.VariableDataType: device_model_enums.VARIABLE_DATA_TYPES,
    station_pb2.RegistrationStatus: enums.REGISTRATION_STATUSES,
    status_info_pb2.GenericStatus: enums.GENERIC_STATUSES,
    transaction_event_pb2.ChargingState: enums.CHARGING_STATES,
    transaction_event_pb2.StoppedReason: enums.STOPPED_REASONS,
    transaction_event_pb2.TransactionEventType: enums.EVENT_TYPES,
    transaction_event_pb2.TriggerReason: enums.TRIGGER_REASONS,
}


def _messages(label: str) -> Iterator[tuple[str, dict[str, Any]]]:
    schemas = Schemas(BY_LABEL[label])
    for action in sorted(schemas.actions):
        for kind in KINDS:
            if (action, kind) != ("NotifyPeriodicEventStream", "response"):
                name = action + ("Response" if kind == "response" else "")
                yield name, schemas.schema(action, kind)


def _fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, list[str]]]:
    if "enum" in schema:
        yield path, schema["enum"]
    for name, field in schema.get("properties", {}).items():
        yield from _fields(field, f"{path}.{name}" if path else name)
    for name, definition in schema.get("definitions", {}).items():
        yield from _fields(definition, f"#{name}")
    if isinstance(schema.get("items"), dict):
        yield from _fields(schema["items"], path)


def _words_2() -> list[tuple[str, str, str]]:
    found = set()
    for label in ("2.0.1", "2.1"):
        for _name, schema in _messages(label):
            for name, definition in schema.get("definitions", {}).items():
                found |= {(label, name, word) for word in definition.get("enum", ()) if name in TABLES_2}
    return sorted(found)


def _words_16() -> list[tuple[str, str]]:
    return sorted(
        (f"{name} {path}", word)
        for name, schema in _messages("1.6")
        for path, words in _fields(schema, "")
        for word in words
        if f"{name} {path}" in TABLES_16
    )


@pytest.mark.parametrize("label", ["2.0.1", "2.1"])
def test_words_of_2(label: str) -> None:
    """Every word of every enumeration of 2.x that the contract has, in every message."""
    missing = {
        f"{name} {word}"
        for version, name, word in _words_2()
        if version == label and word not in TABLES_2[name] and word not in NOT_YET
    }
    assert not missing


def test_words_of_16() -> None:
    """Every word of every enumeration of 1.6 that the contract has, in every message."""
    missing = {f"{place} {word}" for place, word in _words_16() if word not in TABLES_16[place]}
    assert not missing


def test_places_exist() -> None:
    """The tests above look at every enumeration they name, and nothing there has been overlooked."""
    assert {name for _label, name, _word in _words_2()} == TABLES_2.keys()
    assert {place for place, _word in _words_16()} == TABLES_16.keys()


def test_no_word_is_made_up() -> None:
    """Every word in a table stands in a schema for which the table is used."""
    known: dict[int, set[str]] = {}
    for _label, name, word in _words_2():
        known.setdefault(id(TABLES_2[name]), set()).add(word)
    for place, word in _words_16():
        known.setdefault(id(TABLES_16[place]), set()).add(word)
    for table in {id(table): table for table in (*TABLES_2.values(), *TABLES_16.values())}.values():
        assert set(table) <= known[id(table)]


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.DESCRIPTOR.name)
def test_every_value_has_a_word(enum: Any) -> None:
    """Every value can be met or said but those that state no_ocpp_word, and none is met as UNSPECIFIED."""
    stated = {value.number: value.GetOptions().Extensions[options_pb2.no_ocpp_word] for value in enum.DESCRIPTOR.values}
    values = {number for number, without_word in stated.items() if number and not without_word}
    assert set(ENUMS[enum].values()) == values
    assert set(enums.words(ENUMS[enum])) == values


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.DESCRIPTOR.name)
def test_words_mean_their_values(enum: Any) -> None:
    """A word goes to the value of its own name, but for those of 1.6 that 2.x calls differently, and units."""
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.DESCRIPTOR.name).upper() + "_"
    names = {_plain(name.removeprefix(prefix)): value for name, value in enum.items()}
    renamed = {
        "HardReset": "IMMEDIATE_RESET",
        "Preparing": "OCCUPIED",
        "Charging": "OCCUPIED",
        "SuspendedEV": "OCCUPIED",
        "SuspendedEVSE": "OCCUPIED",
        "Finishing": "OCCUPIED",
        "NotSupported": NOT_SUPPORTED.get(enum, ""),
        "UploadFailed": "UPLOAD_FAILURE",
        "DiagnosticsLog": "DIAGNOSTICS",
        "SecurityLog": "SECURITY",
        "DataCollectorLog": "DATA_COLLECTOR",
        "SignChargePointCertificate": "SIGN_CHARGING_STATION_CERTIFICATE",
        "W": "WATTS",
        "A": "AMPERES",
    }
    for word, value in ENUMS[enum].items():
        own = names.get(_plain(word))
        assert value == (own if own is not None else names[_plain(renamed[word])]), word


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def test_authorization_in_16() -> None:
    """Every outcome has one of 1.6's five words, and only the accepted one as Accepted."""
    assert set(enums.AUTHORIZATION_STATUS_WORDS_16) == set(id_token_pb2.AuthorizationStatus.values())
    schema = Schemas(V16).schema("Authorize", "response")
    five = schema["properties"]["idTagInfo"]["properties"]["status"]["enum"]
    assert set(enums.AUTHORIZATION_STATUS_WORDS_16.values()) == set(five)
    accepted = [status for status, word in enums.AUTHORIZATION_STATUS_WORDS_16.items() if word == "Accepted"]
    assert accepted == [id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED]
    for status, word in enums.words(enums.AUTHORIZATION_STATUSES).items():
        if word in five:
            assert enums.AUTHORIZATION_STATUS_WORDS_16[status] == word


def test_units_of_16() -> None:
    """The units that are spelled anew are 1.6's own."""
    schema = Schemas(V16).schema("MeterValues", "request")
    meter_value = schema["properties"]["meterValue"]["items"]["properties"]
    units = meter_value["sampledValue"]["items"]["properties"]["unit"]["enum"]
    assert set(enums.UNITS_16) <= set(units)
