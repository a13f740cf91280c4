"""The names of quirks of charging stations (docs/QUIRKS.md), as operators and metrics have them: they never change.

A name identifies one deviation. The code that finds it reports it to the gateway with the station's socket, and the
gateway counts it per station (`quirks` on the station) and by kind (csms_gateway_quirk_total). Names are sorted by
their number in docs/QUIRKS.md; a new one goes behind those of the same number.
"""

from collections.abc import Mapping
from enum import StrEnum


class QuirkName(StrEnum):
    """One name for each kind of quirk that is counted."""

    NO_SUBPROTOCOL = "no_subprotocol"
    ODD_PATH = "odd_path"
    VERSION_CHANGED = "version_changed"
    MESSAGE_OF_OTHER_VERSION = "message_of_other_version"
    NO_PONG = "no_pong"
    HALF_OPEN_SOCKET = "half_open_socket"
    WEBSOCKET_VIOLATION = "websocket_violation"
    CREDENTIAL_DECODED = "credential_decoded"
    NO_BOOT_NOTIFICATION = "no_boot_notification"
    CALL_UNANSWERED = "call_unanswered"
    MALFORMED_FRAME = "malformed_frame"
    TIMESTAMP_FORM = "timestamp_form"
    TIMESTAMP_UNREADABLE = "timestamp_unreadable"
    CLOCK_SKEW = "clock_skew"
    SAMPLED_VALUE_NUMBER = "sampled_value_number"
    SAMPLED_VALUE_STRING = "sampled_value_string"
    SAMPLED_VALUE_BLANK = "sampled_value_blank"
    SAMPLED_VALUE_SPACES = "sampled_value_spaces"
    SAMPLED_VALUE_TEXT = "sampled_value_text"
    SAMPLED_VALUES_EMPTY = "sampled_values_empty"
    UNKNOWN_WORD = "unknown_word"
    ID_TAG_LONG = "id_tag_long"
    ID_TOKEN_LONG = "id_token_long"  # noqa: S105 - no secret
    UNKNOWN_TRANSACTION = "unknown_transaction"
    REPEATED_CALL = "repeated_call"
    MESSAGE_ID_REUSED = "message_id_reused"
    REPEATED_EVENT = "repeated_event"
    METER_ROLLBACK = "meter_rollback"
    VALUES_AFTER_END = "values_after_end"
    SEQ_GAP = "seq_gap"
    REBOOTED_SOON = "rebooted_soon"
    # 26 to 34, and some without a number.
    CONFIGURATION_VALUE_LONG = "configuration_value_long"
    DATA_TRANSFER_JSON = "data_transfer_json"
    NUL_CHARACTER = "nul_character"
    INVALID_ANSWER = "invalid_answer"
    FRAMES_NOT_LOGGED = "frames_not_logged"
    MESSAGE_QUARANTINED = "message_quarantined"
    WHOLE_NUMBER_FORM = "whole_number_form"
    UNKNOWN_FIELD = "unknown_field"
    TRANSFER_NOT_STORED = "transfer_not_stored"
    ODD_ORIGIN = "odd_origin"
    NULL_FIELD = "null_field"
    EMPTY_LIST = "empty_list"
    TEXT_LONG = "text_long"
    NUMBER_FOR_TEXT = "number_for_text"
    TEXT_FOR_NUMBER = "text_for_number"
    TEXT_FOR_BOOLEAN = "text_for_boolean"
    CONFIGURATION_VALUE_JSON = "configuration_value_json"
    READONLY_MISSING = "readonly_missing"
    KEY_LEFT_OUT = "key_left_out"
    FRAME_FORM = "frame_form"
    MESSAGE_ID_NUMBER = "message_id_number"
    MESSAGE_ID_EMPTY = "message_id_empty"
    SUBPROTOCOL_CASE = "subprotocol_case"


_BY_NUMBER: Mapping[int, tuple[QuirkName, ...]] = {
    1: (QuirkName.NO_SUBPROTOCOL,),
    2: (QuirkName.ODD_PATH,),
    3: (QuirkName.VERSION_CHANGED, QuirkName.MESSAGE_OF_OTHER_VERSION),
    4: (QuirkName.NO_PONG,),
    5: (QuirkName.HALF_OPEN_SOCKET,),
    6: (QuirkName.WEBSOCKET_VIOLATION,),
    7: (QuirkName.CREDENTIAL_DECODED,),
    8: (QuirkName.NO_BOOT_NOTIFICATION,),
    9: (QuirkName.CALL_UNANSWERED,),
    10: (QuirkName.MALFORMED_FRAME,),
    11: (QuirkName.TIMESTAMP_FORM, QuirkName.TIMESTAMP_UNREADABLE),
    12: (QuirkName.CLOCK_SKEW,),
    14: (
        QuirkName.SAMPLED_VALUE_NUMBER,
        QuirkName.SAMPLED_VALUE_STRING,
        QuirkName.SAMPLED_VALUE_BLANK,
        QuirkName.SAMPLED_VALUE_SPACES,
        QuirkName.SAMPLED_VALUE_TEXT,
    ),
    15: (QuirkName.SAMPLED_VALUES_EMPTY,),
    16: (QuirkName.UNKNOWN_WORD,),
    17: (QuirkName.ID_TAG_LONG, QuirkName.ID_TOKEN_LONG),
    18: (QuirkName.UNKNOWN_TRANSACTION,),
    19: (QuirkName.REPEATED_CALL, QuirkName.MESSAGE_ID_REUSED),
    20: (QuirkName.REPEATED_EVENT,),
    21: (QuirkName.METER_ROLLBACK,),
    22: (QuirkName.VALUES_AFTER_END,),
    23: (QuirkName.SEQ_GAP,),
    24: (QuirkName.REBOOTED_SOON,),
    26: (QuirkName.NULL_FIELD,),
    27: (QuirkName.UNKNOWN_FIELD,),
    28: (QuirkName.TEXT_LONG, QuirkName.CONFIGURATION_VALUE_LONG),
    29: (
        QuirkName.WHOLE_NUMBER_FORM,
        QuirkName.NUMBER_FOR_TEXT,
        QuirkName.TEXT_FOR_NUMBER,
        QuirkName.TEXT_FOR_BOOLEAN,
        QuirkName.CONFIGURATION_VALUE_JSON,
    ),
    30: (QuirkName.EMPTY_LIST,),
    31: (QuirkName.READONLY_MISSING, QuirkName.KEY_LEFT_OUT),
    32: (QuirkName.FRAME_FORM,),
    33: (QuirkName.MESSAGE_ID_NUMBER, QuirkName.MESSAGE_ID_EMPTY),
    34: (QuirkName.SUBPROTOCOL_CASE,),
}
NUMBERS: Mapping[QuirkName, int] = {name: number for number, names in _BY_NUMBER.items() for name in names}
"""The number of each in the list of what charge points do; what has no number is left out.

13 (a station that cannot parse our times) and 25 (a storm) are nothing that one station could be counted for.
"""
