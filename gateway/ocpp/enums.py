"""The values of the contract's enumerations for OCPP's words, for every version. Data only.

One table per enumeration has the words of OCPP 1.6, 2.0.1 and 2.1 together. The words are in the contract, beside the
values (`ocpp_word`); `ocpp_16_word` makes a table of 1.6's own where its words differ. Written out here are only second
words for one value, each with its reason. A word that is in no table is not an OCPP word: translators use UNSPECIFIED
and keep the word as it came (quirk 16). tests/gateway/test_enums.py compares the tables with the schemas.

Three words of 2.1 have no value in the contract yet: ResetEnumType ImmediateAndResume, MessageTriggerEnumType
SignV2G20Certificate and CustomTrigger. All three are sent to stations only, never by them.
"""

from collections.abc import Mapping
from typing import TypeVar

from csms.common.v1 import id_token_pb2, meter_value_pb2, status_info_pb2
from csms.station.v1 import (
    charging_profile_pb2,
    command_service_pb2,
    ev_charging_pb2,
    firmware_pb2,
    firmware_publication_pb2,
    local_list_pb2,
    log_pb2,
    reservation_pb2,
    station_ingest_service_pb2,
    station_pb2,
)
from csms.transaction.v1 import transaction_event_pb2

from mesh.contract.options import ocpp_16_words, ocpp_words

V = TypeVar("V", bound=int)


def words(table: Mapping[str, V]) -> dict[V, str]:
    """The inverse of a table. Of several words for one value the first is used."""
    turned: dict[V, str] = {}
    for word, value in table.items():
        turned.setdefault(value, word)
    return turned


# Meter values

MEASURANDS = ocpp_words(meter_value_pb2.Measurand)
PHASES = ocpp_words(meter_value_pb2.Phase)
LOCATIONS = ocpp_words(meter_value_pb2.MeasurandLocation)
READING_CONTEXTS = ocpp_words(meter_value_pb2.ReadingContext)

# 1.6's spellings of units that 2.x writes differently; all other units are the same, and are kept as text.
UNITS_16: Mapping[str, str] = {
    "Celcius": "Celsius",  # the specification's own mistake
    "Hertz": "Hz",
}


# Transactions

EVENT_TYPES = ocpp_words(transaction_event_pb2.TransactionEventType)
TRIGGER_REASONS = ocpp_words(transaction_event_pb2.TriggerReason)
CHARGING_STATES = ocpp_words(transaction_event_pb2.ChargingState)

STOPPED_REASONS: Mapping[str, transaction_event_pb2.StoppedReason.ValueType] = {
    **ocpp_words(transaction_event_pb2.StoppedReason),
    # 1.6 names the reset that stopped the transaction by its type, Hard; 2.x calls that type Immediate.
    "HardReset": transaction_event_pb2.STOPPED_REASON_IMMEDIATE_RESET,
}


# Id tokens

AUTHORIZATION_STATUSES = ocpp_words(id_token_pb2.AuthorizationStatus)

# 1.6's AuthorizationStatus has five words for these ten, so that some have several meanings. A token that is known but
# may not charge here or now is Blocked; an unknown one is Invalid.
AUTHORIZATION_STATUS_WORDS_16: Mapping[id_token_pb2.AuthorizationStatus.ValueType, str] = {
    id_token_pb2.AUTHORIZATION_STATUS_UNSPECIFIED: "Invalid",
    id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED: "Accepted",
    id_token_pb2.AUTHORIZATION_STATUS_BLOCKED: "Blocked",
    id_token_pb2.AUTHORIZATION_STATUS_CONCURRENT_TX: "ConcurrentTx",
    id_token_pb2.AUTHORIZATION_STATUS_EXPIRED: "Expired",
    id_token_pb2.AUTHORIZATION_STATUS_INVALID: "Invalid",
    id_token_pb2.AUTHORIZATION_STATUS_NO_CREDIT: "Blocked",
    id_token_pb2.AUTHORIZATION_STATUS_NOT_ALLOWED_TYPE_EVSE: "Blocked",
    id_token_pb2.AUTHORIZATION_STATUS_NOT_AT_THIS_LOCATION: "Blocked",
    id_token_pb2.AUTHORIZATION_STATUS_NOT_AT_THIS_TIME: "Blocked",
    id_token_pb2.AUTHORIZATION_STATUS_UNKNOWN: "Invalid",
}


# Stations

REGISTRATION_STATUSES = ocpp_words(station_pb2.RegistrationStatus)
BOOT_REASONS = ocpp_words(station_pb2.BootReason)

CONNECTOR_STATUSES: Mapping[str, station_pb2.ConnectorStatus.ValueType] = {
    **ocpp_words(station_pb2.ConnectorStatus),
    # 1.6 reports the steps of a transaction, 2.x does not; the word itself is kept as reported_status.
    "Preparing": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "Charging": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "SuspendedEV": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "SuspendedEVSE": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "Finishing": station_pb2.CONNECTOR_STATUS_OCCUPIED,
}

DATA_TRANSFER_STATUSES = ocpp_words(station_ingest_service_pb2.DataTransferStatus)


# Firmware and logs

FIRMWARE_STATUSES = ocpp_words(firmware_pb2.FirmwareStatus)

UPLOAD_LOG_STATUSES: Mapping[str, log_pb2.UploadLogStatus.ValueType] = {
    **ocpp_words(log_pb2.UploadLogStatus),
    # 1.6 has both words: this one in DiagnosticsStatusNotification, that of 2.x in LogStatusNotification.
    "UploadFailed": log_pb2.UPLOAD_LOG_STATUS_UPLOAD_FAILURE,
}

PUBLISH_FIRMWARE_STATUSES = ocpp_words(firmware_publication_pb2.PublishFirmwareStatus)
UNPUBLISH_FIRMWARE_STATUSES = ocpp_words(firmware_publication_pb2.UnpublishFirmwareStatus)
UPDATE_FIRMWARE_STATUSES = ocpp_words(firmware_pb2.UpdateFirmwareStatus)
LOG_TYPES = ocpp_words(log_pb2.LogType)
LOG_STATUSES = ocpp_words(log_pb2.LogStatus)


# Commands

REQUEST_START_STOP_STATUSES = ocpp_words(command_service_pb2.RequestStartStopStatus)
RESET_TYPES = ocpp_words(command_service_pb2.ResetType)
RESET_TYPES_16 = ocpp_16_words(command_service_pb2.ResetType)
RESET_STATUSES = ocpp_words(command_service_pb2.ResetStatus)
UNLOCK_STATUSES = ocpp_words(command_service_pb2.UnlockStatus)
OPERATIONAL_STATUSES = ocpp_words(command_service_pb2.OperationalStatus)
CHANGE_AVAILABILITY_STATUSES = ocpp_words(command_service_pb2.ChangeAvailabilityStatus)
GET_VARIABLE_STATUSES = ocpp_words(command_service_pb2.GetVariableStatus)

SET_VARIABLE_STATUSES: Mapping[str, command_service_pb2.SetVariableStatus.ValueType] = {
    **ocpp_words(command_service_pb2.SetVariableStatus),
    # 1.6 ChangeConfiguration: the station does not have the configuration key.
    "NotSupported": command_service_pb2.SET_VARIABLE_STATUS_UNKNOWN_VARIABLE,
}

CLEAR_CACHE_STATUSES = ocpp_words(command_service_pb2.ClearCacheStatus)

MESSAGE_TRIGGERS: Mapping[str, command_service_pb2.MessageTrigger.ValueType] = {
    **ocpp_words(command_service_pb2.MessageTrigger),
    # ExtendedTriggerMessage of 1.6 calls the station a charge point; its other words are those of 2.x.
    "SignChargePointCertificate": command_service_pb2.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE,
}

TRIGGER_MESSAGE_STATUSES = ocpp_words(command_service_pb2.TriggerMessageStatus)
LOCAL_LIST_UPDATE_TYPES = ocpp_words(local_list_pb2.LocalListUpdateType)
SEND_LOCAL_LIST_STATUSES = ocpp_words(local_list_pb2.SendLocalListStatus)


# Smart charging

CHARGING_PROFILE_PURPOSES = ocpp_words(charging_profile_pb2.ChargingProfilePurpose)
CHARGING_PROFILE_PURPOSES_16 = ocpp_16_words(charging_profile_pb2.ChargingProfilePurpose)
CHARGING_PROFILE_KINDS = ocpp_words(charging_profile_pb2.ChargingProfileKind)
RECURRENCY_KINDS = ocpp_words(charging_profile_pb2.RecurrencyKind)
CHARGING_RATE_UNITS = ocpp_words(charging_profile_pb2.ChargingRateUnit)
CHARGING_LIMIT_SOURCES = ocpp_words(charging_profile_pb2.ChargingLimitSource)
ENERGY_TRANSFER_MODES = ocpp_words(ev_charging_pb2.EnergyTransferMode)
COST_KINDS = ocpp_words(charging_profile_pb2.CostKind)
GET_CHARGING_PROFILES_STATUSES = ocpp_words(charging_profile_pb2.GetChargingProfilesStatus)

CHARGING_PROFILE_STATUSES: Mapping[str, charging_profile_pb2.ChargingProfileStatus.ValueType] = {
    **ocpp_words(charging_profile_pb2.ChargingProfileStatus),
    # 1.6: the station has no smart charging at all. 2.x has no such word.
    "NotSupported": charging_profile_pb2.CHARGING_PROFILE_STATUS_REJECTED,
}

CLEAR_CHARGING_PROFILE_STATUSES = ocpp_words(charging_profile_pb2.ClearChargingProfileStatus)
GENERIC_STATUSES = ocpp_words(status_info_pb2.GenericStatus)


# Reservations

RESERVE_NOW_STATUSES = ocpp_words(reservation_pb2.ReserveNowStatus)
CANCEL_RESERVATION_STATUSES = ocpp_words(reservation_pb2.CancelReservationStatus)
RESERVATION_UPDATE_STATUSES = ocpp_words(reservation_pb2.ReservationUpdateStatus)
