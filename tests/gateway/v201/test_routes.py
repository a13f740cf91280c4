"""The table of 2.0.1 as a whole."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.gateway.v1.gateway_service_pb2 import CallRequest, CallResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ocpp.translation import UnacceptableError
from gateway.ocpp.v2 import parts
from gateway.ocpp.v201.routes import ROUTES
from mesh.contract.services import command_name
from tests.gateway import payloads
from tests.gateway.v201 import helpers


def test_names() -> None:
    """Label and sub-protocol are OCPP's."""
    assert (ROUTES.label, ROUTES.ocpp.subprotocol) == ("2.0.1", "ocpp2.0.1")


def test_inbound_actions() -> None:
    """Every action is one of 2.0.1's, and all that a session needs are there."""
    assert set(ROUTES.inbound) == {
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
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyChargingLimit",
        "NotifyReport",
        "ReportChargingProfiles",
        "PublishFirmwareStatusNotification",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "StatusNotification",
        "TransactionEvent",
    }
    assert set(ROUTES.inbound) <= helpers.SCHEMAS.actions


def test_heartbeat() -> None:
    """The gateway answers by itself, with its time."""
    assert ROUTES.inbound["Heartbeat"].to_items is None
    assert helpers.to_response("Heartbeat", {}, {}) == {"currentTime": helpers.NOW}


def test_outbound_commands() -> None:
    """Each command is one of the contract's, and answers in the field of its own name."""
    commands = {field.name for field in CallRequest.DESCRIPTOR.oneofs_by_name["command"].fields}
    assert set(ROUTES.outbound) <= commands - {"send_call"}
    for name, route in ROUTES.outbounds():
        assert command_name(route.action) == name  # RPCs have the names of 2.x's actions
        command = _possible(name)
        calls = helpers.to_calls(name, command)
        for make in (payloads.minimal, payloads.maximal):
            answers = [make(helpers.SCHEMAS.schema(route.action, "response")) for _ in calls]
            CallResponse(**{name: helpers.to_answer(name, command, *answers)})


# The least that each command needs, where that is more than nothing.
_POSSIBLE: dict[str, dict[str, Any]] = {
    "cancel_reservation": {"reservation_id": 1},
    "get_log": {"log": {"remote_location": "https://example.org/logs"}},
    "reserve_now": {"id_token": {"id_token": "T"}, "expire_time": {"seconds": 1_893_456_000}},
    "send_local_list": {"version_number": 1, "update_type": 2},
    "publish_firmware": {"location": "https://example.org/f", "checksum": "0" * 32},
    "unpublish_firmware": {"checksum": "0" * 32},
    "update_firmware": {"firmware": {"location": "https://example.org/f", "retrieve_time": {"seconds": 1}}},
    "request_start_transaction": {"id_token": {"id_token": "T"}, "remote_start_id": 1},
    "request_stop_transaction": {"transaction_id": "tx"},
    "unlock_connector": {"evse": {"evse_id": 1}},
    "change_availability": {"operational_status": 1},
    "get_variables": {"variables": [{"component": "C", "variable": "A"}]},
    "set_variables": {"variables": [{"component": "C", "variable": "A", "value": "1"}]},
    "get_base_report": {"report_base": 1, "variable_report_id": 1},
    "set_network_profile": {
        "connection_data": {
            "ocpp_version": 4,
            "ocpp_csms_url": "ws://csms",
            "message_timeout_s": 30,
            "ocpp_interface": 1,
        }
    },
    "trigger_message": {"requested_message": 4},
    "data_transfer": {"vendor_id": "v"},
    "cost_updated": {"transaction_id": "tx", "total_cost": "3.25"},
    "get_charging_profiles": {"report_id": 1},
    "get_composite_schedule": {"duration_s": 60},
    "set_charging_profile": {
        "charging_profile": {
            "purpose": 2,
            "kind": 1,
            "schedules": [{"charging_rate_unit": 2, "periods": [{"limit": 8.1}]}],
        }
    },
    "clear_display_message": {"display_message_id": 1},
    "clear_variable_monitoring": {"monitor_ids": [1]},
    "customer_information": {"report_id": 1, "report": True, "customer_identifier": "c"},
    "get_display_messages": {"report_id": 1},
    "get_monitoring_report": {"report_id": 1},
    "set_display_message": {
        "message": {"display_message_id": 1, "priority": 1, "format": 1, "content": "Hello"},
    },
    "set_monitoring_base": {"monitoring_base": 1},
    "set_monitoring_level": {"severity": 4},
    "set_variable_monitoring": {"monitors": [{"variable": {"component": "C", "variable": "A"}, "type": 1}]},
    "certificate_signed": {"certificate_chain": "PEM"},
    "install_certificate": {"certificate_type": 1, "certificate": "PEM"},
    "delete_certificate": {
        "certificate_hash_data": {
            "hash_algorithm": 1,
            "issuer_name_hash": "a",
            "issuer_key_hash": "b",
            "serial_number": "1",
        }
    },
}


def _possible(name: str) -> Any:
    """A command that 2.0.1 can say."""
    request = CallRequest()
    command = getattr(request, name)
    command.SetInParent()
    command.MergeFrom(type(command)(**_POSSIBLE.get(name, {})))
    return command


def test_id_token_types() -> None:
    """The types of tokens are those of the schema."""
    assert set(helpers.enumeration("Authorize", "IdTokenEnumType")) == parts.ID_TOKEN_TYPES


@pytest.mark.parametrize(
    ("evse", "payload"),
    [
        (EvseRef(), None),
        (EvseRef(evse_id=2), {"id": 2}),
        (EvseRef(evse_id=2, connector_id=1), {"id": 2, "connectorId": 1}),
    ],
)
def test_evse_payload(evse: EvseRef, payload: dict[str, int] | None) -> None:
    """EVSE 0 is the station as a whole, which is said by naming none."""
    assert parts.evse_payload(evse, "evse") == payload


@pytest.mark.parametrize(
    ("evse", "field"),
    [
        (EvseRef(connector_id=1), "evse.evse_id"),
        (EvseRef(evse_id=-1), "evse.evse_id"),
        (EvseRef(evse_id=1, connector_id=-1), "evse.connector_id"),
    ],
)
def test_impossible_evse(evse: EvseRef, field: str) -> None:
    """A connector is one of an EVSE, and no number is below 0."""
    with pytest.raises(UnacceptableError) as caught:
        parts.evse_payload(evse, "evse")
    assert caught.value.field == field


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_is_accepted_can_be_sent(data: st.DataObject) -> None:
    """A payload with any leaf replaced is refused, or sent on over the wire; it never fails otherwise."""
    helpers.TRANSLATORS.check_odd_payload(data)
