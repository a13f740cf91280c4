"""OCPP's words and the contract's enumerations: which is which, for every version. Data, and nothing else.

One table per enumeration holds the words of OCPP 1.6, 2.0.1 and 2.1 together; where 1.6 uses a word of its own for what
2.x calls differently, it has a table of its own, named so. A word that is in no table is none of OCPP's: translators
take it as UNSPECIFIED and keep it as it came (quirk 16). tests/gateway/test_enums.py holds the tables against the
schemas.

Three words of 2.1 have no value in the contract yet: ResetEnumType ImmediateAndResume, MessageTriggerEnumType
SignV2G20Certificate and CustomTrigger. All three are ours to send, none is a station's.
"""

from collections.abc import Mapping
from typing import TypeVar

from csms.common.v1 import id_token_pb2, meter_value_pb2, status_info_pb2
from csms.station.v1 import (
    charging_profile_pb2,
    command_service_pb2,
    firmware_pb2,
    local_list_pb2,
    log_pb2,
    reservation_pb2,
    station_ingest_service_pb2,
    station_pb2,
)
from csms.transaction.v1 import transaction_event_pb2

V = TypeVar("V", bound=int)


def words(table: Mapping[str, V]) -> dict[V, str]:
    """A table the other way round. Of several words for one value the first is taken."""
    turned: dict[V, str] = {}
    for word, value in table.items():
        turned.setdefault(value, word)
    return turned


# Meter values

MEASURANDS: Mapping[str, meter_value_pb2.Measurand.ValueType] = {
    "Current.Export": meter_value_pb2.MEASURAND_CURRENT_EXPORT,
    "Current.Import": meter_value_pb2.MEASURAND_CURRENT_IMPORT,
    "Current.Offered": meter_value_pb2.MEASURAND_CURRENT_OFFERED,
    "Energy.Active.Export.Register": meter_value_pb2.MEASURAND_ENERGY_ACTIVE_EXPORT_REGISTER,
    "Energy.Active.Import.Register": meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_REGISTER,
    "Energy.Reactive.Export.Register": meter_value_pb2.MEASURAND_ENERGY_REACTIVE_EXPORT_REGISTER,
    "Energy.Reactive.Import.Register": meter_value_pb2.MEASURAND_ENERGY_REACTIVE_IMPORT_REGISTER,
    "Energy.Active.Export.Interval": meter_value_pb2.MEASURAND_ENERGY_ACTIVE_EXPORT_INTERVAL,
    "Energy.Active.Import.Interval": meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_INTERVAL,
    "Energy.Active.Net": meter_value_pb2.MEASURAND_ENERGY_ACTIVE_NET,
    "Energy.Reactive.Export.Interval": meter_value_pb2.MEASURAND_ENERGY_REACTIVE_EXPORT_INTERVAL,
    "Energy.Reactive.Import.Interval": meter_value_pb2.MEASURAND_ENERGY_REACTIVE_IMPORT_INTERVAL,
    "Energy.Reactive.Net": meter_value_pb2.MEASURAND_ENERGY_REACTIVE_NET,
    "Energy.Apparent.Net": meter_value_pb2.MEASURAND_ENERGY_APPARENT_NET,
    "Energy.Apparent.Import": meter_value_pb2.MEASURAND_ENERGY_APPARENT_IMPORT,
    "Energy.Apparent.Export": meter_value_pb2.MEASURAND_ENERGY_APPARENT_EXPORT,
    "Frequency": meter_value_pb2.MEASURAND_FREQUENCY,
    "Power.Active.Export": meter_value_pb2.MEASURAND_POWER_ACTIVE_EXPORT,
    "Power.Active.Import": meter_value_pb2.MEASURAND_POWER_ACTIVE_IMPORT,
    "Power.Factor": meter_value_pb2.MEASURAND_POWER_FACTOR,
    "Power.Offered": meter_value_pb2.MEASURAND_POWER_OFFERED,
    "Power.Reactive.Export": meter_value_pb2.MEASURAND_POWER_REACTIVE_EXPORT,
    "Power.Reactive.Import": meter_value_pb2.MEASURAND_POWER_REACTIVE_IMPORT,
    "RPM": meter_value_pb2.MEASURAND_RPM,
    "SoC": meter_value_pb2.MEASURAND_SOC,
    "Temperature": meter_value_pb2.MEASURAND_TEMPERATURE,
    "Voltage": meter_value_pb2.MEASURAND_VOLTAGE,
    "Current.Export.Offered": meter_value_pb2.MEASURAND_CURRENT_EXPORT_OFFERED,
    "Current.Export.Minimum": meter_value_pb2.MEASURAND_CURRENT_EXPORT_MINIMUM,
    "Current.Import.Offered": meter_value_pb2.MEASURAND_CURRENT_IMPORT_OFFERED,
    "Current.Import.Minimum": meter_value_pb2.MEASURAND_CURRENT_IMPORT_MINIMUM,
    "Display.PresentSOC": meter_value_pb2.MEASURAND_DISPLAY_PRESENT_SOC,
    "Display.MinimumSOC": meter_value_pb2.MEASURAND_DISPLAY_MINIMUM_SOC,
    "Display.TargetSOC": meter_value_pb2.MEASURAND_DISPLAY_TARGET_SOC,
    "Display.MaximumSOC": meter_value_pb2.MEASURAND_DISPLAY_MAXIMUM_SOC,
    "Display.RemainingTimeToMinimumSOC": meter_value_pb2.MEASURAND_DISPLAY_REMAINING_TIME_TO_MINIMUM_SOC,
    "Display.RemainingTimeToTargetSOC": meter_value_pb2.MEASURAND_DISPLAY_REMAINING_TIME_TO_TARGET_SOC,
    "Display.RemainingTimeToMaximumSOC": meter_value_pb2.MEASURAND_DISPLAY_REMAINING_TIME_TO_MAXIMUM_SOC,
    "Display.ChargingComplete": meter_value_pb2.MEASURAND_DISPLAY_CHARGING_COMPLETE,
    "Display.BatteryEnergyCapacity": meter_value_pb2.MEASURAND_DISPLAY_BATTERY_ENERGY_CAPACITY,
    "Display.InletHot": meter_value_pb2.MEASURAND_DISPLAY_INLET_HOT,
    "Energy.Active.Import.CableLoss": meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_CABLE_LOSS,
    "Energy.Active.Import.LocalGeneration.Register": meter_value_pb2.MEASURAND_ENERGY_ACTIVE_IMPORT_LOCAL_GENERATION_REGISTER,  # noqa: E501
    "Energy.Active.Setpoint.Interval": meter_value_pb2.MEASURAND_ENERGY_ACTIVE_SETPOINT_INTERVAL,
    "EnergyRequest.Target": meter_value_pb2.MEASURAND_ENERGY_REQUEST_TARGET,
    "EnergyRequest.Minimum": meter_value_pb2.MEASURAND_ENERGY_REQUEST_MINIMUM,
    "EnergyRequest.Maximum": meter_value_pb2.MEASURAND_ENERGY_REQUEST_MAXIMUM,
    "EnergyRequest.Minimum.V2X": meter_value_pb2.MEASURAND_ENERGY_REQUEST_MINIMUM_V2X,
    "EnergyRequest.Maximum.V2X": meter_value_pb2.MEASURAND_ENERGY_REQUEST_MAXIMUM_V2X,
    "EnergyRequest.Bulk": meter_value_pb2.MEASURAND_ENERGY_REQUEST_BULK,
    "Power.Active.Setpoint": meter_value_pb2.MEASURAND_POWER_ACTIVE_SETPOINT,
    "Power.Active.Residual": meter_value_pb2.MEASURAND_POWER_ACTIVE_RESIDUAL,
    "Power.Export.Minimum": meter_value_pb2.MEASURAND_POWER_EXPORT_MINIMUM,
    "Power.Export.Offered": meter_value_pb2.MEASURAND_POWER_EXPORT_OFFERED,
    "Power.Import.Offered": meter_value_pb2.MEASURAND_POWER_IMPORT_OFFERED,
    "Power.Import.Minimum": meter_value_pb2.MEASURAND_POWER_IMPORT_MINIMUM,
    "Voltage.Minimum": meter_value_pb2.MEASURAND_VOLTAGE_MINIMUM,
    "Voltage.Maximum": meter_value_pb2.MEASURAND_VOLTAGE_MAXIMUM,
}

PHASES: Mapping[str, meter_value_pb2.Phase.ValueType] = {
    "L1": meter_value_pb2.PHASE_L1,
    "L2": meter_value_pb2.PHASE_L2,
    "L3": meter_value_pb2.PHASE_L3,
    "N": meter_value_pb2.PHASE_N,
    "L1-N": meter_value_pb2.PHASE_L1_N,
    "L2-N": meter_value_pb2.PHASE_L2_N,
    "L3-N": meter_value_pb2.PHASE_L3_N,
    "L1-L2": meter_value_pb2.PHASE_L1_L2,
    "L2-L3": meter_value_pb2.PHASE_L2_L3,
    "L3-L1": meter_value_pb2.PHASE_L3_L1,
}

LOCATIONS: Mapping[str, meter_value_pb2.MeasurandLocation.ValueType] = {
    "Body": meter_value_pb2.MEASURAND_LOCATION_BODY,
    "Cable": meter_value_pb2.MEASURAND_LOCATION_CABLE,
    "EV": meter_value_pb2.MEASURAND_LOCATION_EV,
    "Inlet": meter_value_pb2.MEASURAND_LOCATION_INLET,
    "Outlet": meter_value_pb2.MEASURAND_LOCATION_OUTLET,
    "Upstream": meter_value_pb2.MEASURAND_LOCATION_UPSTREAM,
}

READING_CONTEXTS: Mapping[str, meter_value_pb2.ReadingContext.ValueType] = {
    "Interruption.Begin": meter_value_pb2.READING_CONTEXT_INTERRUPTION_BEGIN,
    "Interruption.End": meter_value_pb2.READING_CONTEXT_INTERRUPTION_END,
    "Other": meter_value_pb2.READING_CONTEXT_OTHER,
    "Sample.Clock": meter_value_pb2.READING_CONTEXT_SAMPLE_CLOCK,
    "Sample.Periodic": meter_value_pb2.READING_CONTEXT_SAMPLE_PERIODIC,
    "Transaction.Begin": meter_value_pb2.READING_CONTEXT_TRANSACTION_BEGIN,
    "Transaction.End": meter_value_pb2.READING_CONTEXT_TRANSACTION_END,
    "Trigger": meter_value_pb2.READING_CONTEXT_TRIGGER,
}

# 1.6's spellings of units that 2.x writes differently; all other units are the same, and are kept as text.
UNITS_16: Mapping[str, str] = {
    "Celcius": "Celsius",  # the specification's own mistake
    "Hertz": "Hz",
}


# Transactions

EVENT_TYPES: Mapping[str, transaction_event_pb2.TransactionEventType.ValueType] = {
    "Started": transaction_event_pb2.TRANSACTION_EVENT_TYPE_STARTED,
    "Updated": transaction_event_pb2.TRANSACTION_EVENT_TYPE_UPDATED,
    "Ended": transaction_event_pb2.TRANSACTION_EVENT_TYPE_ENDED,
}

TRIGGER_REASONS: Mapping[str, transaction_event_pb2.TriggerReason.ValueType] = {
    "Authorized": transaction_event_pb2.TRIGGER_REASON_AUTHORIZED,
    "CablePluggedIn": transaction_event_pb2.TRIGGER_REASON_CABLE_PLUGGED_IN,
    "ChargingRateChanged": transaction_event_pb2.TRIGGER_REASON_CHARGING_RATE_CHANGED,
    "ChargingStateChanged": transaction_event_pb2.TRIGGER_REASON_CHARGING_STATE_CHANGED,
    "Deauthorized": transaction_event_pb2.TRIGGER_REASON_DEAUTHORIZED,
    "EnergyLimitReached": transaction_event_pb2.TRIGGER_REASON_ENERGY_LIMIT_REACHED,
    "EVCommunicationLost": transaction_event_pb2.TRIGGER_REASON_EV_COMMUNICATION_LOST,
    "EVConnectTimeout": transaction_event_pb2.TRIGGER_REASON_EV_CONNECT_TIMEOUT,
    "MeterValueClock": transaction_event_pb2.TRIGGER_REASON_METER_VALUE_CLOCK,
    "MeterValuePeriodic": transaction_event_pb2.TRIGGER_REASON_METER_VALUE_PERIODIC,
    "TimeLimitReached": transaction_event_pb2.TRIGGER_REASON_TIME_LIMIT_REACHED,
    "Trigger": transaction_event_pb2.TRIGGER_REASON_TRIGGER,
    "UnlockCommand": transaction_event_pb2.TRIGGER_REASON_UNLOCK_COMMAND,
    "StopAuthorized": transaction_event_pb2.TRIGGER_REASON_STOP_AUTHORIZED,
    "EVDeparted": transaction_event_pb2.TRIGGER_REASON_EV_DEPARTED,
    "EVDetected": transaction_event_pb2.TRIGGER_REASON_EV_DETECTED,
    "RemoteStop": transaction_event_pb2.TRIGGER_REASON_REMOTE_STOP,
    "RemoteStart": transaction_event_pb2.TRIGGER_REASON_REMOTE_START,
    "AbnormalCondition": transaction_event_pb2.TRIGGER_REASON_ABNORMAL_CONDITION,
    "SignedDataReceived": transaction_event_pb2.TRIGGER_REASON_SIGNED_DATA_RECEIVED,
    "ResetCommand": transaction_event_pb2.TRIGGER_REASON_RESET_COMMAND,
    "CostLimitReached": transaction_event_pb2.TRIGGER_REASON_COST_LIMIT_REACHED,
    "LimitSet": transaction_event_pb2.TRIGGER_REASON_LIMIT_SET,
    "OperationModeChanged": transaction_event_pb2.TRIGGER_REASON_OPERATION_MODE_CHANGED,
    "RunningCost": transaction_event_pb2.TRIGGER_REASON_RUNNING_COST,
    "SoCLimitReached": transaction_event_pb2.TRIGGER_REASON_SOC_LIMIT_REACHED,
    "TariffChanged": transaction_event_pb2.TRIGGER_REASON_TARIFF_CHANGED,
    "TariffNotAccepted": transaction_event_pb2.TRIGGER_REASON_TARIFF_NOT_ACCEPTED,
    "TxResumed": transaction_event_pb2.TRIGGER_REASON_TX_RESUMED,
}

CHARGING_STATES: Mapping[str, transaction_event_pb2.ChargingState.ValueType] = {
    "Charging": transaction_event_pb2.CHARGING_STATE_CHARGING,
    "EVConnected": transaction_event_pb2.CHARGING_STATE_EV_CONNECTED,
    "SuspendedEV": transaction_event_pb2.CHARGING_STATE_SUSPENDED_EV,
    "SuspendedEVSE": transaction_event_pb2.CHARGING_STATE_SUSPENDED_EVSE,
    "Idle": transaction_event_pb2.CHARGING_STATE_IDLE,
}

STOPPED_REASONS: Mapping[str, transaction_event_pb2.StoppedReason.ValueType] = {
    "DeAuthorized": transaction_event_pb2.STOPPED_REASON_DE_AUTHORIZED,
    "EmergencyStop": transaction_event_pb2.STOPPED_REASON_EMERGENCY_STOP,
    "EnergyLimitReached": transaction_event_pb2.STOPPED_REASON_ENERGY_LIMIT_REACHED,
    "EVDisconnected": transaction_event_pb2.STOPPED_REASON_EV_DISCONNECTED,
    "GroundFault": transaction_event_pb2.STOPPED_REASON_GROUND_FAULT,
    "ImmediateReset": transaction_event_pb2.STOPPED_REASON_IMMEDIATE_RESET,
    "HardReset": transaction_event_pb2.STOPPED_REASON_IMMEDIATE_RESET,  # 1.6
    "Local": transaction_event_pb2.STOPPED_REASON_LOCAL,
    "LocalOutOfCredit": transaction_event_pb2.STOPPED_REASON_LOCAL_OUT_OF_CREDIT,
    "MasterPass": transaction_event_pb2.STOPPED_REASON_MASTER_PASS,
    "Other": transaction_event_pb2.STOPPED_REASON_OTHER,
    "OvercurrentFault": transaction_event_pb2.STOPPED_REASON_OVERCURRENT_FAULT,
    "PowerLoss": transaction_event_pb2.STOPPED_REASON_POWER_LOSS,
    "PowerQuality": transaction_event_pb2.STOPPED_REASON_POWER_QUALITY,
    "Reboot": transaction_event_pb2.STOPPED_REASON_REBOOT,
    "Remote": transaction_event_pb2.STOPPED_REASON_REMOTE,
    "SOCLimitReached": transaction_event_pb2.STOPPED_REASON_SOC_LIMIT_REACHED,
    "StoppedByEV": transaction_event_pb2.STOPPED_REASON_STOPPED_BY_EV,
    "TimeLimitReached": transaction_event_pb2.STOPPED_REASON_TIME_LIMIT_REACHED,
    "Timeout": transaction_event_pb2.STOPPED_REASON_TIMEOUT,
    "SoftReset": transaction_event_pb2.STOPPED_REASON_SOFT_RESET,
    "UnlockCommand": transaction_event_pb2.STOPPED_REASON_UNLOCK_COMMAND,
    "ReqEnergyTransferRejected": transaction_event_pb2.STOPPED_REASON_REQ_ENERGY_TRANSFER_REJECTED,
}


# Id tokens

AUTHORIZATION_STATUSES: Mapping[str, id_token_pb2.AuthorizationStatus.ValueType] = {
    "Accepted": id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED,
    "Blocked": id_token_pb2.AUTHORIZATION_STATUS_BLOCKED,
    "ConcurrentTx": id_token_pb2.AUTHORIZATION_STATUS_CONCURRENT_TX,
    "Expired": id_token_pb2.AUTHORIZATION_STATUS_EXPIRED,
    "Invalid": id_token_pb2.AUTHORIZATION_STATUS_INVALID,
    "NoCredit": id_token_pb2.AUTHORIZATION_STATUS_NO_CREDIT,
    "NotAllowedTypeEVSE": id_token_pb2.AUTHORIZATION_STATUS_NOT_ALLOWED_TYPE_EVSE,
    "NotAtThisLocation": id_token_pb2.AUTHORIZATION_STATUS_NOT_AT_THIS_LOCATION,
    "NotAtThisTime": id_token_pb2.AUTHORIZATION_STATUS_NOT_AT_THIS_TIME,
    "Unknown": id_token_pb2.AUTHORIZATION_STATUS_UNKNOWN,
}

# 1.6's AuthorizationStatus has five words; this says which of them each outcome is told as. A token that is known but
# may not charge here or now is Blocked; one that nobody knows is Invalid.
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

REGISTRATION_STATUSES: Mapping[str, station_pb2.RegistrationStatus.ValueType] = {
    "Accepted": station_pb2.REGISTRATION_STATUS_ACCEPTED,
    "Pending": station_pb2.REGISTRATION_STATUS_PENDING,
    "Rejected": station_pb2.REGISTRATION_STATUS_REJECTED,
}

BOOT_REASONS: Mapping[str, station_pb2.BootReason.ValueType] = {
    "ApplicationReset": station_pb2.BOOT_REASON_APPLICATION_RESET,
    "FirmwareUpdate": station_pb2.BOOT_REASON_FIRMWARE_UPDATE,
    "LocalReset": station_pb2.BOOT_REASON_LOCAL_RESET,
    "PowerUp": station_pb2.BOOT_REASON_POWER_UP,
    "RemoteReset": station_pb2.BOOT_REASON_REMOTE_RESET,
    "ScheduledReset": station_pb2.BOOT_REASON_SCHEDULED_RESET,
    "Triggered": station_pb2.BOOT_REASON_TRIGGERED,
    "Unknown": station_pb2.BOOT_REASON_UNKNOWN,
    "Watchdog": station_pb2.BOOT_REASON_WATCHDOG,
}

CONNECTOR_STATUSES: Mapping[str, station_pb2.ConnectorStatus.ValueType] = {
    "Available": station_pb2.CONNECTOR_STATUS_AVAILABLE,
    "Occupied": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    # 1.6 tells the steps of a transaction; the word itself is kept as reported_status.
    "Preparing": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "Charging": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "SuspendedEV": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "SuspendedEVSE": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "Finishing": station_pb2.CONNECTOR_STATUS_OCCUPIED,
    "Reserved": station_pb2.CONNECTOR_STATUS_RESERVED,
    "Unavailable": station_pb2.CONNECTOR_STATUS_UNAVAILABLE,
    "Faulted": station_pb2.CONNECTOR_STATUS_FAULTED,
}

DATA_TRANSFER_STATUSES: Mapping[str, station_ingest_service_pb2.DataTransferStatus.ValueType] = {
    "Accepted": station_ingest_service_pb2.DATA_TRANSFER_STATUS_ACCEPTED,
    "Rejected": station_ingest_service_pb2.DATA_TRANSFER_STATUS_REJECTED,
    "UnknownMessageId": station_ingest_service_pb2.DATA_TRANSFER_STATUS_UNKNOWN_MESSAGE_ID,
    "UnknownVendorId": station_ingest_service_pb2.DATA_TRANSFER_STATUS_UNKNOWN_VENDOR_ID,
}


# Firmware and logs

FIRMWARE_STATUSES: Mapping[str, firmware_pb2.FirmwareStatus.ValueType] = {
    "Downloaded": firmware_pb2.FIRMWARE_STATUS_DOWNLOADED,
    "DownloadFailed": firmware_pb2.FIRMWARE_STATUS_DOWNLOAD_FAILED,
    "Downloading": firmware_pb2.FIRMWARE_STATUS_DOWNLOADING,
    "DownloadScheduled": firmware_pb2.FIRMWARE_STATUS_DOWNLOAD_SCHEDULED,
    "DownloadPaused": firmware_pb2.FIRMWARE_STATUS_DOWNLOAD_PAUSED,
    "Idle": firmware_pb2.FIRMWARE_STATUS_IDLE,
    "InstallationFailed": firmware_pb2.FIRMWARE_STATUS_INSTALLATION_FAILED,
    "Installing": firmware_pb2.FIRMWARE_STATUS_INSTALLING,
    "Installed": firmware_pb2.FIRMWARE_STATUS_INSTALLED,
    "InstallRebooting": firmware_pb2.FIRMWARE_STATUS_INSTALL_REBOOTING,
    "InstallScheduled": firmware_pb2.FIRMWARE_STATUS_INSTALL_SCHEDULED,
    "InstallVerificationFailed": firmware_pb2.FIRMWARE_STATUS_INSTALL_VERIFICATION_FAILED,
    "InvalidSignature": firmware_pb2.FIRMWARE_STATUS_INVALID_SIGNATURE,
    "SignatureVerified": firmware_pb2.FIRMWARE_STATUS_SIGNATURE_VERIFIED,
}

UPLOAD_LOG_STATUSES: Mapping[str, log_pb2.UploadLogStatus.ValueType] = {
    "BadMessage": log_pb2.UPLOAD_LOG_STATUS_BAD_MESSAGE,
    "Idle": log_pb2.UPLOAD_LOG_STATUS_IDLE,
    "NotSupportedOperation": log_pb2.UPLOAD_LOG_STATUS_NOT_SUPPORTED_OPERATION,
    "PermissionDenied": log_pb2.UPLOAD_LOG_STATUS_PERMISSION_DENIED,
    "Uploaded": log_pb2.UPLOAD_LOG_STATUS_UPLOADED,
    "UploadFailure": log_pb2.UPLOAD_LOG_STATUS_UPLOAD_FAILURE,
    "UploadFailed": log_pb2.UPLOAD_LOG_STATUS_UPLOAD_FAILURE,  # 1.6 DiagnosticsStatusNotification
    "Uploading": log_pb2.UPLOAD_LOG_STATUS_UPLOADING,
    "AcceptedCanceled": log_pb2.UPLOAD_LOG_STATUS_ACCEPTED_CANCELED,
}

UPDATE_FIRMWARE_STATUSES: Mapping[str, firmware_pb2.UpdateFirmwareStatus.ValueType] = {
    "Accepted": firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED,
    "Rejected": firmware_pb2.UPDATE_FIRMWARE_STATUS_REJECTED,
    "AcceptedCanceled": firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED_CANCELED,
    "InvalidCertificate": firmware_pb2.UPDATE_FIRMWARE_STATUS_INVALID_CERTIFICATE,
    "RevokedCertificate": firmware_pb2.UPDATE_FIRMWARE_STATUS_REVOKED_CERTIFICATE,
}

LOG_TYPES: Mapping[str, log_pb2.LogType.ValueType] = {
    "DiagnosticsLog": log_pb2.LOG_TYPE_DIAGNOSTICS,
    "SecurityLog": log_pb2.LOG_TYPE_SECURITY,
    "DataCollectorLog": log_pb2.LOG_TYPE_DATA_COLLECTOR,  # 2.1
}

LOG_STATUSES: Mapping[str, log_pb2.LogStatus.ValueType] = {
    "Accepted": log_pb2.LOG_STATUS_ACCEPTED,
    "Rejected": log_pb2.LOG_STATUS_REJECTED,
    "AcceptedCanceled": log_pb2.LOG_STATUS_ACCEPTED_CANCELED,
}


# Commands

REQUEST_START_STOP_STATUSES: Mapping[str, command_service_pb2.RequestStartStopStatus.ValueType] = {
    "Accepted": command_service_pb2.REQUEST_START_STOP_STATUS_ACCEPTED,
    "Rejected": command_service_pb2.REQUEST_START_STOP_STATUS_REJECTED,
}

RESET_TYPES: Mapping[str, command_service_pb2.ResetType.ValueType] = {
    "Immediate": command_service_pb2.RESET_TYPE_IMMEDIATE,
    "OnIdle": command_service_pb2.RESET_TYPE_ON_IDLE,
}

RESET_TYPES_16: Mapping[str, command_service_pb2.ResetType.ValueType] = {
    "Hard": command_service_pb2.RESET_TYPE_IMMEDIATE,
    "Soft": command_service_pb2.RESET_TYPE_ON_IDLE,
}

RESET_STATUSES: Mapping[str, command_service_pb2.ResetStatus.ValueType] = {
    "Accepted": command_service_pb2.RESET_STATUS_ACCEPTED,
    "Rejected": command_service_pb2.RESET_STATUS_REJECTED,
    "Scheduled": command_service_pb2.RESET_STATUS_SCHEDULED,
}

UNLOCK_STATUSES: Mapping[str, command_service_pb2.UnlockStatus.ValueType] = {
    "Unlocked": command_service_pb2.UNLOCK_STATUS_UNLOCKED,
    "UnlockFailed": command_service_pb2.UNLOCK_STATUS_UNLOCK_FAILED,
    "OngoingAuthorizedTransaction": command_service_pb2.UNLOCK_STATUS_ONGOING_AUTHORIZED_TRANSACTION,
    "UnknownConnector": command_service_pb2.UNLOCK_STATUS_UNKNOWN_CONNECTOR,
    "NotSupported": command_service_pb2.UNLOCK_STATUS_NOT_SUPPORTED,  # 1.6
}

OPERATIONAL_STATUSES: Mapping[str, command_service_pb2.OperationalStatus.ValueType] = {
    "Operative": command_service_pb2.OPERATIONAL_STATUS_OPERATIVE,
    "Inoperative": command_service_pb2.OPERATIONAL_STATUS_INOPERATIVE,
}

CHANGE_AVAILABILITY_STATUSES: Mapping[str, command_service_pb2.ChangeAvailabilityStatus.ValueType] = {
    "Accepted": command_service_pb2.CHANGE_AVAILABILITY_STATUS_ACCEPTED,
    "Rejected": command_service_pb2.CHANGE_AVAILABILITY_STATUS_REJECTED,
    "Scheduled": command_service_pb2.CHANGE_AVAILABILITY_STATUS_SCHEDULED,
}

GET_VARIABLE_STATUSES: Mapping[str, command_service_pb2.GetVariableStatus.ValueType] = {
    "Accepted": command_service_pb2.GET_VARIABLE_STATUS_ACCEPTED,
    "Rejected": command_service_pb2.GET_VARIABLE_STATUS_REJECTED,
    "UnknownComponent": command_service_pb2.GET_VARIABLE_STATUS_UNKNOWN_COMPONENT,
    "UnknownVariable": command_service_pb2.GET_VARIABLE_STATUS_UNKNOWN_VARIABLE,
    "NotSupportedAttributeType": command_service_pb2.GET_VARIABLE_STATUS_NOT_SUPPORTED_ATTRIBUTE_TYPE,
}

SET_VARIABLE_STATUSES: Mapping[str, command_service_pb2.SetVariableStatus.ValueType] = {
    "Accepted": command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED,
    "Rejected": command_service_pb2.SET_VARIABLE_STATUS_REJECTED,
    "UnknownComponent": command_service_pb2.SET_VARIABLE_STATUS_UNKNOWN_COMPONENT,
    "UnknownVariable": command_service_pb2.SET_VARIABLE_STATUS_UNKNOWN_VARIABLE,
    "NotSupportedAttributeType": command_service_pb2.SET_VARIABLE_STATUS_NOT_SUPPORTED_ATTRIBUTE_TYPE,
    "RebootRequired": command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED,
    "NotSupported": command_service_pb2.SET_VARIABLE_STATUS_UNKNOWN_VARIABLE,  # 1.6
}

CLEAR_CACHE_STATUSES: Mapping[str, command_service_pb2.ClearCacheStatus.ValueType] = {
    "Accepted": command_service_pb2.CLEAR_CACHE_STATUS_ACCEPTED,
    "Rejected": command_service_pb2.CLEAR_CACHE_STATUS_REJECTED,
}

MESSAGE_TRIGGERS: Mapping[str, command_service_pb2.MessageTrigger.ValueType] = {
    "BootNotification": command_service_pb2.MESSAGE_TRIGGER_BOOT_NOTIFICATION,
    "LogStatusNotification": command_service_pb2.MESSAGE_TRIGGER_LOG_STATUS_NOTIFICATION,
    "FirmwareStatusNotification": command_service_pb2.MESSAGE_TRIGGER_FIRMWARE_STATUS_NOTIFICATION,
    "Heartbeat": command_service_pb2.MESSAGE_TRIGGER_HEARTBEAT,
    "MeterValues": command_service_pb2.MESSAGE_TRIGGER_METER_VALUES,
    "SignChargingStationCertificate": command_service_pb2.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE,
    "SignV2GCertificate": command_service_pb2.MESSAGE_TRIGGER_SIGN_V2G_CERTIFICATE,
    "StatusNotification": command_service_pb2.MESSAGE_TRIGGER_STATUS_NOTIFICATION,
    "TransactionEvent": command_service_pb2.MESSAGE_TRIGGER_TRANSACTION_EVENT,
    "SignCombinedCertificate": command_service_pb2.MESSAGE_TRIGGER_SIGN_COMBINED_CERTIFICATE,
    "PublishFirmwareStatusNotification": command_service_pb2.MESSAGE_TRIGGER_PUBLISH_FIRMWARE_STATUS_NOTIFICATION,
    "SignChargePointCertificate": command_service_pb2.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE,  # 1.6
    # 1.6
    "DiagnosticsStatusNotification": command_service_pb2.MESSAGE_TRIGGER_DIAGNOSTICS_STATUS_NOTIFICATION,
}

TRIGGER_MESSAGE_STATUSES: Mapping[str, command_service_pb2.TriggerMessageStatus.ValueType] = {
    "Accepted": command_service_pb2.TRIGGER_MESSAGE_STATUS_ACCEPTED,
    "Rejected": command_service_pb2.TRIGGER_MESSAGE_STATUS_REJECTED,
    "NotImplemented": command_service_pb2.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED,
}

LOCAL_LIST_UPDATE_TYPES: Mapping[str, local_list_pb2.LocalListUpdateType.ValueType] = {
    "Differential": local_list_pb2.LOCAL_LIST_UPDATE_TYPE_DIFFERENTIAL,
    "Full": local_list_pb2.LOCAL_LIST_UPDATE_TYPE_FULL,
}

SEND_LOCAL_LIST_STATUSES: Mapping[str, local_list_pb2.SendLocalListStatus.ValueType] = {
    "Accepted": local_list_pb2.SEND_LOCAL_LIST_STATUS_ACCEPTED,
    "Failed": local_list_pb2.SEND_LOCAL_LIST_STATUS_FAILED,
    "VersionMismatch": local_list_pb2.SEND_LOCAL_LIST_STATUS_VERSION_MISMATCH,
    "NotSupported": local_list_pb2.SEND_LOCAL_LIST_STATUS_NOT_SUPPORTED,  # 1.6
}


# Smart charging

CHARGING_PROFILE_PURPOSES: Mapping[str, charging_profile_pb2.ChargingProfilePurpose.ValueType] = {
    "ChargingStationMaxProfile": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_MAX_PROFILE,
    "TxDefaultProfile": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE,
    "TxProfile": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_TX_PROFILE,
    "ChargingStationExternalConstraints": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS,  # noqa: E501
    "PriorityCharging": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_PRIORITY_CHARGING,
    "LocalGeneration": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_LOCAL_GENERATION,
}

CHARGING_PROFILE_PURPOSES_16: Mapping[str, charging_profile_pb2.ChargingProfilePurpose.ValueType] = {
    "ChargePointMaxProfile": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_MAX_PROFILE,
    "TxDefaultProfile": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE,
    "TxProfile": charging_profile_pb2.CHARGING_PROFILE_PURPOSE_TX_PROFILE,
}

CHARGING_PROFILE_KINDS: Mapping[str, charging_profile_pb2.ChargingProfileKind.ValueType] = {
    "Absolute": charging_profile_pb2.CHARGING_PROFILE_KIND_ABSOLUTE,
    "Recurring": charging_profile_pb2.CHARGING_PROFILE_KIND_RECURRING,
    "Relative": charging_profile_pb2.CHARGING_PROFILE_KIND_RELATIVE,
    "Dynamic": charging_profile_pb2.CHARGING_PROFILE_KIND_DYNAMIC,  # 2.1
}

RECURRENCY_KINDS: Mapping[str, charging_profile_pb2.RecurrencyKind.ValueType] = {
    "Daily": charging_profile_pb2.RECURRENCY_KIND_DAILY,
    "Weekly": charging_profile_pb2.RECURRENCY_KIND_WEEKLY,
}

CHARGING_RATE_UNITS: Mapping[str, charging_profile_pb2.ChargingRateUnit.ValueType] = {
    "W": charging_profile_pb2.CHARGING_RATE_UNIT_WATTS,
    "A": charging_profile_pb2.CHARGING_RATE_UNIT_AMPERES,
}

CHARGING_PROFILE_STATUSES: Mapping[str, charging_profile_pb2.ChargingProfileStatus.ValueType] = {
    "Accepted": charging_profile_pb2.CHARGING_PROFILE_STATUS_ACCEPTED,
    "Rejected": charging_profile_pb2.CHARGING_PROFILE_STATUS_REJECTED,
    "NotSupported": charging_profile_pb2.CHARGING_PROFILE_STATUS_REJECTED,  # 1.6
}

CLEAR_CHARGING_PROFILE_STATUSES: Mapping[str, charging_profile_pb2.ClearChargingProfileStatus.ValueType] = {
    "Accepted": charging_profile_pb2.CLEAR_CHARGING_PROFILE_STATUS_ACCEPTED,
    "Unknown": charging_profile_pb2.CLEAR_CHARGING_PROFILE_STATUS_UNKNOWN,
}

GENERIC_STATUSES: Mapping[str, status_info_pb2.GenericStatus.ValueType] = {
    "Accepted": status_info_pb2.GENERIC_STATUS_ACCEPTED,
    "Rejected": status_info_pb2.GENERIC_STATUS_REJECTED,
}


# Reservations

RESERVE_NOW_STATUSES: Mapping[str, reservation_pb2.ReserveNowStatus.ValueType] = {
    "Accepted": reservation_pb2.RESERVE_NOW_STATUS_ACCEPTED,
    "Faulted": reservation_pb2.RESERVE_NOW_STATUS_FAULTED,
    "Occupied": reservation_pb2.RESERVE_NOW_STATUS_OCCUPIED,
    "Rejected": reservation_pb2.RESERVE_NOW_STATUS_REJECTED,
    "Unavailable": reservation_pb2.RESERVE_NOW_STATUS_UNAVAILABLE,
}

CANCEL_RESERVATION_STATUSES: Mapping[str, reservation_pb2.CancelReservationStatus.ValueType] = {
    "Accepted": reservation_pb2.CANCEL_RESERVATION_STATUS_ACCEPTED,
    "Rejected": reservation_pb2.CANCEL_RESERVATION_STATUS_REJECTED,
}
