"""The routes of OCPP 2.0.1: the translator of each action. Data."""

from gateway.ocpp import heartbeat
from gateway.ocpp.translation import Routes
from gateway.ocpp.v201 import (
    authorize,
    boot_notification,
    change_availability,
    clear_cache,
    data_transfer,
    get_base_report,
    get_report,
    get_transaction_status,
    get_variables,
    meter_values,
    notify_report,
    request_start_transaction,
    request_stop_transaction,
    reset,
    security_event_notification,
    set_network_profile,
    set_variables,
    status_notification,
    transaction_event,
    trigger_message,
    unlock_connector,
)
from gateway.ocpp.versions import V201

ROUTES = Routes(
    ocpp=V201,
    inbound={
        "Authorize": authorize.INBOUND,
        "BootNotification": boot_notification.INBOUND,
        "DataTransfer": data_transfer.INBOUND,
        "Heartbeat": heartbeat.INBOUND,
        "MeterValues": meter_values.INBOUND,
        "NotifyReport": notify_report.INBOUND,
        "SecurityEventNotification": security_event_notification.INBOUND,
        "StatusNotification": status_notification.INBOUND,
        "TransactionEvent": transaction_event.INBOUND,
    },
    outbound={
        "change_availability": change_availability.OUTBOUND,
        "clear_cache": clear_cache.OUTBOUND,
        "data_transfer": data_transfer.OUTBOUND,
        "get_base_report": get_base_report.OUTBOUND,
        "get_report": get_report.OUTBOUND,
        "get_transaction_status": get_transaction_status.OUTBOUND,
        "get_variables": get_variables.OUTBOUND,
        "request_start_transaction": request_start_transaction.OUTBOUND,
        "request_stop_transaction": request_stop_transaction.OUTBOUND,
        "reset": reset.OUTBOUND,
        "set_network_profile": set_network_profile.OUTBOUND,
        "set_variables": set_variables.OUTBOUND,
        "trigger_message": trigger_message.OUTBOUND,
        "unlock_connector": unlock_connector.OUTBOUND,
    },
)
