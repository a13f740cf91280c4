"""Facts about actions that neither contract nor routes state: who sends them, and the tables that they end up in.

`docs/OCPP.md` is made from the routes and from these tables (`make docs`); tests/conformance holds both against the
schemas, and against what a running mesh really writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.ocpp.schemas import Schemas
from gateway.ocpp.translation import IngestRpc
from gateway.ocpp.v16 import routes as v16
from gateway.ocpp.v201 import routes as v201
from gateway.ocpp.versions import OcppVersion


@dataclass(frozen=True, kw_only=True)
class Directions:
    """The actions of one OCPP version, by who sends the CALL."""

    from_station: frozenset[str]
    to_station: frozenset[str]


# Who sends a CALL stands neither in the schemas nor, for actions that are not served yet, in the routes. An action that
# stations do not send is sent to them.
_FROM_STATION: Mapping[str, frozenset[str]] = {
    "1.6": frozenset(
        {
            *("Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification"),
            *("FirmwareStatusNotification", "Heartbeat", "LogStatusNotification", "MeterValues"),
            *("SecurityEventNotification", "SignCertificate", "SignedFirmwareStatusNotification"),
            *("StartTransaction", "StatusNotification", "StopTransaction"),
        }
    ),
    "2.0.1": frozenset(
        {
            *("Authorize", "BootNotification", "ClearedChargingLimit", "DataTransfer"),
            *("FirmwareStatusNotification", "Get15118EVCertificate", "GetCertificateStatus", "Heartbeat"),
            *("LogStatusNotification", "MeterValues", "NotifyChargingLimit", "NotifyCustomerInformation"),
            *("NotifyDisplayMessages", "NotifyEVChargingNeeds", "NotifyEVChargingSchedule", "NotifyEvent"),
            *("NotifyMonitoringReport", "NotifyReport", "PublishFirmwareStatusNotification"),
            *("ReportChargingProfiles", "ReservationStatusUpdate", "SecurityEventNotification", "SignCertificate"),
            *("StatusNotification", "TransactionEvent"),
        }
    ),
}
_BOTH_WAYS = frozenset({"DataTransfer"})


def _directions(version: OcppVersion) -> Directions:
    actions, from_station = Schemas(version).actions, _FROM_STATION[version.label]
    return Directions(from_station=from_station, to_station=frozenset(actions) - from_station | _BOTH_WAYS)


DIRECTIONS: Mapping[str, Directions] = {routes.label: _directions(routes.ocpp) for routes in (v16.ROUTES, v201.ROUTES)}

# Every frame of every message, whatever is done with it, and the last sign of life.
ALWAYS: tuple[str, ...] = ("station.message", "station.sighting")

# No registration says which tables a handler writes, so that they are listed: tests/conformance/test_every_action.py
# compares them with what a running mesh writes.

# By ingest RPC; reports and events of stations by their kinds, below. RPCs that only ask write nothing.
RPC_TABLES: Mapping[IngestRpc, tuple[str, ...]] = {
    IngestRpc.BOOTS: ("station.station",),
    IngestRpc.STATUSES: ("station.connector", "station.status_report"),
    IngestRpc.DATA_TRANSFERS: ("station.data_transfer",),
    IngestRpc.CERTIFICATES: ("station.certificate_request", "station.job"),
    IngestRpc.TRANSACTION_EVENTS: ("transaction.tx", "transaction.tx_event"),
    IngestRpc.METER_VALUES: ("transaction.meter_values",),
    IngestRpc.AUTHORIZATIONS: ("transaction.tx", "transaction.tx_event"),
}

# By field of csms.station.v1.ReportItem.report.
REPORT_TABLES: Mapping[str, tuple[str, ...]] = {
    "charging_limit": ("station.charging_limit",),
    "charging_profile_report": ("station.allocation", "station.charging_profile"),
    "ev_charging_needs": ("station.ev_charging",),
    "firmware_publication_status": ("station.task", "station.task_report"),
    "firmware_status": ("station.task", "station.task_report"),
    "log_status": ("station.task", "station.task_report"),
    "security_event": ("station.security_event",),
    "monitoring_report": ("station.monitor", "station.partial_report"),
    "event_report": ("station.alarm", "station.event_budget", "station.event_report"),
    "customer_information": (
        "station.customer_report",
        "station.customer_report_part",
        "station.partial_report",
    ),
    "display_messages": ("station.allocation", "station.display_message", "station.partial_report"),
    "variable_report_part": ("station.variable", "station.variable_report", "station.variable_report_part"),
}

# The rows that a report changes, where the station has some that it is about.
REPORT_CHANGES: Mapping[str, tuple[str, ...]] = {
    "charging_limit_clearing": ("station.charging_limit",),
    "ev_charging_schedule": ("station.ev_charging",),
    "reservation_update": ("station.reservation",),
    "reservation_use": ("station.reservation",),
    "transaction_end": ("station.charging_profile",),
}

# The rows that an event of a station changes after the answer, by field of csms.transaction.v1.StationEventItem.event;
# transactions only where some are open there.
STATION_EVENT_CHANGES: Mapping[str, tuple[str, ...]] = {
    "boot": ("transaction.station", "transaction.tx"),
    "connector_available": ("transaction.tx",),
}

# Every command and its outcome.
COMMANDS: tuple[str, ...] = ("station.command",)

# What some commands change beside that, by field of csms.gateway.v1.CallRequest.command.
COMMAND_TABLES: Mapping[str, tuple[str, ...]] = {
    "get_base_report": ("station.variable_report",),
    "get_local_list_version": ("station.local_list",),
    "get_charging_profiles": ("station.allocation", "station.charging_profile_report"),
    "get_log": ("station.task",),
    "get_installed_certificate_ids": ("station.installed_certificate",),
    "install_certificate": ("station.installed_certificate",),
    "get_report": ("station.variable_report",),
    "get_variables": ("station.variable",),
    "customer_information": ("station.customer_report", "station.partial_report"),
    "get_display_messages": ("station.partial_report",),
    "get_monitoring_report": ("station.partial_report",),
    "set_display_message": ("station.allocation", "station.display_message"),
    "set_variable_monitoring": ("station.monitor",),
    "send_local_list": ("station.local_list",),
    "request_start_transaction": ("station.allocation", "station.charging_profile"),
    "reserve_now": ("station.allocation", "station.reservation"),
    "set_network_profile": ("station.network_profile",),
    "set_charging_profile": ("station.allocation", "station.charging_profile"),
    "set_variables": ("station.variable",),
    "publish_firmware": ("station.task",),
    "update_firmware": ("station.task",),
}

# What some commands change, where the station has some that they are about.
COMMAND_CHANGES: Mapping[str, tuple[str, ...]] = {
    "cancel_reservation": ("station.reservation",),
    "clear_charging_profile": ("station.charging_profile",),
    "clear_display_message": ("station.display_message",),
    "clear_variable_monitoring": ("station.monitor",),
    "set_monitoring_base": ("station.monitor",),
    "delete_certificate": ("station.installed_certificate",),
    "unpublish_firmware": ("station.task",),
}
