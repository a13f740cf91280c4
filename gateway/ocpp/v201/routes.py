"""The routes of OCPP 2.0.1: the translator of each action. Data."""

from gateway.ocpp import heartbeat
from gateway.ocpp.translation import Routes
from gateway.ocpp.v201 import (
    authorize,
    boot_notification,
    certificate_signed,
    change_availability,
    clear_cache,
    data_transfer,
    delete_certificate,
    get_15118_ev_certificate,
    get_certificate_status,
    get_installed_certificate_ids,
    get_transaction_status,
    get_variables,
    install_certificate,
    meter_values,
    request_start_transaction,
    request_stop_transaction,
    reset,
    set_variables,
    sign_certificate,
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
        "Get15118EVCertificate": get_15118_ev_certificate.INBOUND,
        "GetCertificateStatus": get_certificate_status.INBOUND,
        "Heartbeat": heartbeat.INBOUND,
        "MeterValues": meter_values.INBOUND,
        "SignCertificate": sign_certificate.INBOUND,
        "StatusNotification": status_notification.INBOUND,
        "TransactionEvent": transaction_event.INBOUND,
    },
    outbound={
        "certificate_signed": certificate_signed.OUTBOUND,
        "change_availability": change_availability.OUTBOUND,
        "clear_cache": clear_cache.OUTBOUND,
        "data_transfer": data_transfer.OUTBOUND,
        "delete_certificate": delete_certificate.OUTBOUND,
        "get_installed_certificate_ids": get_installed_certificate_ids.OUTBOUND,
        "get_transaction_status": get_transaction_status.OUTBOUND,
        "get_variables": get_variables.OUTBOUND,
        "install_certificate": install_certificate.OUTBOUND,
        "request_start_transaction": request_start_transaction.OUTBOUND,
        "request_stop_transaction": request_stop_transaction.OUTBOUND,
        "reset": reset.OUTBOUND,
        "set_variables": set_variables.OUTBOUND,
        "trigger_message": trigger_message.OUTBOUND,
        "unlock_connector": unlock_connector.OUTBOUND,
    },
)
