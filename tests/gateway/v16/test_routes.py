"""The table of 1.6 as a whole."""

from typing import Any

from csms.gateway.v1.gateway_service_pb2 import CallRequest, CallResponse
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ocpp.v16.routes import ROUTES
from tests.conformance.catalogue import DIRECTIONS
from tests.gateway import payloads
from tests.gateway.v16 import helpers


def test_names() -> None:
    """Label and sub-protocol are OCPP's."""
    assert (ROUTES.label, ROUTES.ocpp.subprotocol) == ("1.6", "ocpp1.6")


def test_outbound_commands() -> None:
    """Every action of 1.6 is said by a command of the contract; each answers in the field of its own name."""
    commands = {field.name for field in CallRequest.DESCRIPTOR.oneofs_by_name["command"].fields}
    assert set(ROUTES.outbound) <= commands - {"send_call"}
    assert {route.action for _, route in ROUTES.outbounds()} == DIRECTIONS["1.6"].to_station
    assert {route.action for _, route in ROUTES.outbounds()} | set(ROUTES.inbound) <= helpers.SCHEMAS.actions
    for name in ROUTES.outbound:
        command = _possible(name)
        calls = helpers.to_calls(name, command)
        route = ROUTES.outbound_for(name, command)
        assert route is not None
        answers = [payloads.minimal(helpers.SCHEMAS.schema(route.action, "response")) for _ in calls]
        CallResponse(**{name: helpers.to_answer(name, command, *answers)})


def _possible(name: str) -> Any:
    """A command that 1.6 can say."""
    request = CallRequest()
    command = getattr(request, name)
    command.SetInParent()
    possible: dict[str, dict[str, Any]] = {
        "request_start_transaction": {"id_token": {"id_token": "T"}},
        "request_stop_transaction": {"transaction_id": "1"},
        "unlock_connector": {"evse": {"evse_id": 1}},
        "change_availability": {"operational_status": 1},
        "set_variables": {"variables": [{"variable": "A", "value": "1"}]},
        "trigger_message": {"requested_message": 4},
        "data_transfer": {"vendor_id": "v"},
        "send_local_list": {"version_number": 1, "update_type": 2},
        "set_charging_profile": {
            "charging_profile": {
                "purpose": 2,
                "kind": 3,
                "schedules": [{"charging_rate_unit": 2, "periods": [{"limit": 16}]}],
            }
        },
        "get_composite_schedule": {"duration_s": 60},
        "reserve_now": {"id_token": {"id_token": "T"}},
        "cancel_reservation": {"reservation_id": 1},
        "update_firmware": {"firmware": {"location": "ftp://example.org/f", "retrieve_time": {"seconds": 1}}},
        "get_log": {"log": {"remote_location": "ftp://example.org/"}},
        "certificate_signed": {"certificate_chain": "c"},
        "install_certificate": {"certificate_type": 3, "certificate": "c"},
        "delete_certificate": {
            "certificate_hash_data": {
                "hash_algorithm": 1,
                "issuer_name_hash": "a",
                "issuer_key_hash": "b",
                "serial_number": "1",
            }
        },
    }
    command.MergeFrom(type(command)(**possible.get(name, {})))
    return command


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_is_accepted_can_be_sent(data: st.DataObject) -> None:
    """A payload with any leaf replaced is refused, or sent on over the wire; it never fails otherwise."""
    helpers.TRANSLATORS.check_odd_payload(data)
