"""The actions of the OCPP versions by direction, and the tables that their contents end up in. Data.

`docs/OCPP.md` is made from the routes and from these tables (`make docs`); tests/conformance holds both against the
schemas, and against what a running mesh really writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.ocpp.translation import IngestRpc


@dataclass(frozen=True, kw_only=True)
class Directions:
    """The actions of one OCPP version, by who sends the CALL. Schemas do not tell."""

    from_station: frozenset[str]
    to_station: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """The full name of an ingest RPC, and the tables that it may write, as schema.table."""

    rpc: str
    tables: tuple[str, ...]


DIRECTIONS: Mapping[str, Directions] = {
    "1.6": Directions(
        from_station=frozenset(
            {
                "Authorize",
                "BootNotification",
                "DataTransfer",
                "DiagnosticsStatusNotification",
                "FirmwareStatusNotification",
                "Heartbeat",
                "LogStatusNotification",
                "MeterValues",
                "SecurityEventNotification",
                "SignCertificate",
                "SignedFirmwareStatusNotification",
                "StartTransaction",
                "StatusNotification",
                "StopTransaction",
            }
        ),
        to_station=frozenset(
            {
                "CancelReservation",
                "CertificateSigned",
                "ChangeAvailability",
                "ChangeConfiguration",
                "ClearCache",
                "ClearChargingProfile",
                "DataTransfer",
                "DeleteCertificate",
                "ExtendedTriggerMessage",
                "GetCompositeSchedule",
                "GetConfiguration",
                "GetDiagnostics",
                "GetInstalledCertificateIds",
                "GetLocalListVersion",
                "GetLog",
                "InstallCertificate",
                "RemoteStartTransaction",
                "RemoteStopTransaction",
                "ReserveNow",
                "Reset",
                "SendLocalList",
                "SetChargingProfile",
                "SignedUpdateFirmware",
                "TriggerMessage",
                "UnlockConnector",
                "UpdateFirmware",
            }
        ),
    ),
    "2.0.1": Directions(
        from_station=frozenset(
            {
                "Authorize",
                "BootNotification",
                "ClearedChargingLimit",
                "DataTransfer",
                "FirmwareStatusNotification",
                "Get15118EVCertificate",
                "GetCertificateStatus",
                "Heartbeat",
                "LogStatusNotification",
                "MeterValues",
                "NotifyChargingLimit",
                "NotifyCustomerInformation",
                "NotifyDisplayMessages",
                "NotifyEVChargingNeeds",
                "NotifyEVChargingSchedule",
                "NotifyEvent",
                "NotifyMonitoringReport",
                "NotifyReport",
                "PublishFirmwareStatusNotification",
                "ReportChargingProfiles",
                "ReservationStatusUpdate",
                "SecurityEventNotification",
                "SignCertificate",
                "StatusNotification",
                "TransactionEvent",
            }
        ),
        to_station=frozenset(
            {
                "CancelReservation",
                "CertificateSigned",
                "ChangeAvailability",
                "ClearCache",
                "ClearChargingProfile",
                "ClearDisplayMessage",
                "ClearVariableMonitoring",
                "CostUpdated",
                "CustomerInformation",
                "DataTransfer",
                "DeleteCertificate",
                "GetBaseReport",
                "GetChargingProfiles",
                "GetCompositeSchedule",
                "GetDisplayMessages",
                "GetInstalledCertificateIds",
                "GetLocalListVersion",
                "GetLog",
                "GetMonitoringReport",
                "GetReport",
                "GetTransactionStatus",
                "GetVariables",
                "InstallCertificate",
                "PublishFirmware",
                "RequestStartTransaction",
                "RequestStopTransaction",
                "ReserveNow",
                "Reset",
                "SendLocalList",
                "SetChargingProfile",
                "SetDisplayMessage",
                "SetMonitoringBase",
                "SetMonitoringLevel",
                "SetNetworkProfile",
                "SetVariableMonitoring",
                "SetVariables",
                "TriggerMessage",
                "UnlockConnector",
                "UnpublishFirmware",
                "UpdateFirmware",
            }
        ),
    ),
}

# Every frame of every message, whatever is done with it, and the last sign of life.
ALWAYS: tuple[str, ...] = ("station.message", "station.sighting")

DESTINATIONS: Mapping[IngestRpc, Destination] = {
    IngestRpc.BOOTS: Destination(rpc="csms.station.v1.StationIngestService/NotifyBoots", tables=("station.station",)),
    IngestRpc.STATUSES: Destination(
        rpc="csms.station.v1.StationIngestService/NotifyStatuses",
        tables=("station.connector", "station.status_report"),
    ),
    IngestRpc.DATA_TRANSFERS: Destination(
        rpc="csms.station.v1.StationIngestService/TransferData", tables=("station.data_transfer",)
    ),
    # Which tables depends on the kind of report: see REPORT_TABLES.
    IngestRpc.CERTIFICATES: Destination(
        rpc="csms.station.v1.StationIngestService/RequestCertificates",
        tables=("station.certificate_request", "station.job"),
    ),
    IngestRpc.REPORTS: Destination(rpc="csms.station.v1.StationIngestService/NotifyReports", tables=()),
    IngestRpc.BACKGROUND_REPORTS: Destination(rpc="csms.station.v1.StationIngestService/NotifyReports", tables=()),
    # Answers from the id tokens that operators keep; nothing is written.
    IngestRpc.AUTHORIZE: Destination(rpc="csms.auth.v1.AuthorizationService/Authorize", tables=()),
    IngestRpc.TRANSACTION_EVENTS: Destination(
        rpc="csms.transaction.v1.TransactionIngestService/RecordTransactionEvents",
        tables=("transaction.tx", "transaction.tx_event"),
    ),
    IngestRpc.METER_VALUES: Destination(
        rpc="csms.transaction.v1.TransactionIngestService/RecordMeterValues",
        tables=("transaction.meter_values",),
    ),
    IngestRpc.AUTHORIZATIONS: Destination(
        rpc="csms.transaction.v1.TransactionIngestService/RecordAuthorizations",
        tables=("transaction.tx", "transaction.tx_event"),
    ),
    IngestRpc.OPEN_TRANSACTIONS: Destination(
        rpc="csms.transaction.v1.TransactionIngestService/CountOpenTransactions", tables=()
    ),
    # In the background; which tables depends on the kind of event: see STATION_EVENT_CHANGES.
    IngestRpc.STATION_EVENTS: Destination(
        rpc="csms.transaction.v1.TransactionIngestService/NotifyStationEvents", tables=()
    ),
}

# What each kind of report may write, by field of csms.station.v1.ReportItem.report.
REPORT_TABLES: Mapping[str, tuple[str, ...]] = {
    "firmware_status": ("station.task", "station.task_report"),
    "log_status": ("station.task", "station.task_report"),
    "security_event": ("station.security_event",),
    "reservation_use": (),
    "transaction_end": (),
}

# What each kind of report changes, where the station has some that it is about.
REPORT_CHANGES: Mapping[str, tuple[str, ...]] = {
    "reservation_use": ("station.reservation",),
    "transaction_end": ("station.charging_profile",),
}

# What each kind of event of a station changes after the answer, by field of
# csms.transaction.v1.StationEventItem.event; transactions only where some are open there.
STATION_EVENT_CHANGES: Mapping[str, tuple[str, ...]] = {
    "boot": ("transaction.station", "transaction.tx"),
    "connector_available": ("transaction.tx",),
}

# Every command and its outcome.
COMMANDS: tuple[str, ...] = ("station.command",)

# What some commands change beside that, by field of csms.gateway.v1.CallRequest.command.
COMMAND_TABLES: Mapping[str, tuple[str, ...]] = {
    "get_local_list_version": ("station.local_list",),
    "get_log": ("station.task",),
    "get_installed_certificate_ids": ("station.installed_certificate",),
    "get_variables": ("station.variable",),
    "send_local_list": ("station.local_list",),
    "request_start_transaction": ("station.allocation", "station.charging_profile"),
    "reserve_now": ("station.allocation", "station.reservation"),
    "set_charging_profile": ("station.allocation", "station.charging_profile"),
    "set_variables": ("station.variable",),
    "update_firmware": ("station.task",),
}

# What some commands change, where the station has some that they are about.
COMMAND_CHANGES: Mapping[str, tuple[str, ...]] = {
    "cancel_reservation": ("station.reservation",),
    "clear_charging_profile": ("station.charging_profile",),
}
