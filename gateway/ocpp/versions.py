"""The versions of OCPP: one object for each, with all differences in frames, schemas and tolerances.

No other code compares labels; a table of translators (`v16/routes.py` and the like) belongs to one of these.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, eq=False)
class OcppVersion:
    """One version of OCPP. There is one object of each, so that `is` compares them."""

    label: str  # as the contract has it: "1.6", "2.0.1", "2.1"
    subprotocol: str  # of a WebSocket for it
    # Frames: OCPP-J 1.6; 2.0.1 and 2.1 part 4, section 4.
    has_unconfirmed_messages: bool  # SEND and CALLRESULTERROR
    malformed_call_code: str  # of the CALLERROR to a frame that is no CALL
    unknown_message_type_code: str
    unreadable_id: str | None  # of the CALLERROR to a frame whose message id cannot be read; None: it gets none
    # Schemas. Codes of 1.6: 4.2.3 and its errata 5.1, 5.2; of 2.x: part 4, 4.3.
    schema_folder: str  # in the package `ocpp`
    request_suffix: str  # of the name of a request's schema
    no_object_code: str  # the payload is no JSON object
    occurrence_code: str  # a field is missing or unknown, or a list has too few or too many items
    # Whether a station that is not accepted gets SecurityError before its action is looked at: B02.FR.09, B03.FR.07.
    refuses_before_action: bool
    # Meter values
    has_text_readings: bool  # a sampled value is text, and schemas do not check that it is a number


V16 = OcppVersion(
    label="1.6",
    subprotocol="ocpp1.6",
    has_unconfirmed_messages=False,
    malformed_call_code="FormationViolation",  # "Payload for Action is syntactically incorrect"
    unknown_message_type_code="FormationViolation",
    unreadable_id=None,
    schema_folder="v16",
    request_suffix="",
    no_object_code="FormationViolation",
    occurrence_code="OccurenceConstraintViolation",
    refuses_before_action=False,
    has_text_readings=True,
)

V201 = OcppVersion(
    label="2.0.1",
    subprotocol="ocpp2.0.1",
    has_unconfirmed_messages=False,
    malformed_call_code="RpcFrameworkError",  # "not a valid RPC request"
    unknown_message_type_code="MessageTypeNotSupported",
    unreadable_id="-1",  # 4.2.3
    schema_folder="v201",
    request_suffix="Request",
    no_object_code="FormatViolation",
    occurrence_code="OccurrenceConstraintViolation",
    refuses_before_action=True,
    has_text_readings=False,
)

V21 = OcppVersion(
    label="2.1",
    subprotocol="ocpp2.1",
    has_unconfirmed_messages=True,
    malformed_call_code="RpcFrameworkError",
    unknown_message_type_code="MessageTypeNotSupported",
    unreadable_id="-1",
    schema_folder="v21",
    request_suffix="Request",
    no_object_code="FormatViolation",
    occurrence_code="OccurrenceConstraintViolation",
    refuses_before_action=True,
    has_text_readings=False,
)

BY_LABEL: Mapping[str, OcppVersion] = {version.label: version for version in (V16, V201, V21)}
