"""What is done with each action of OCPP 1.6. Data."""

from gateway import heartbeat
from gateway.translation import Version
from gateway.v16 import (
    authorize,
    boot_notification,
    change_availability,
    change_configuration,
    clear_cache,
    data_transfer,
    get_configuration,
    get_local_list_version,
    meter_values,
    remote_start_transaction,
    remote_stop_transaction,
    reset,
    security_event_notification,
    send_local_list,
    start_transaction,
    status_notification,
    stop_transaction,
    trigger_message,
    unlock_connector,
)

VERSION = Version(
    label="1.6",
    subprotocol="ocpp1.6",
    inbound={
        "Authorize": authorize.INBOUND,
        "BootNotification": boot_notification.INBOUND,
        "DataTransfer": data_transfer.INBOUND,
        "Heartbeat": heartbeat.INBOUND,
        "MeterValues": meter_values.INBOUND,
        "SecurityEventNotification": security_event_notification.INBOUND,
        "StartTransaction": start_transaction.INBOUND,
        "StatusNotification": status_notification.INBOUND,
        "StopTransaction": stop_transaction.INBOUND,
    },
    outbound={
        "change_availability": change_availability.OUTBOUND,
        "clear_cache": clear_cache.OUTBOUND,
        "data_transfer": data_transfer.OUTBOUND,
        "get_local_list_version": get_local_list_version.OUTBOUND,
        "get_variables": get_configuration.OUTBOUND,
        "request_start_transaction": remote_start_transaction.OUTBOUND,
        "request_stop_transaction": remote_stop_transaction.OUTBOUND,
        "reset": reset.OUTBOUND,
        "send_local_list": send_local_list.OUTBOUND,
        "set_variables": change_configuration.OUTBOUND,
        "trigger_message": trigger_message.OUTBOUND,
        "unlock_connector": unlock_connector.OUTBOUND,
    },
)
