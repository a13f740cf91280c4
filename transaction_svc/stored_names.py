"""Stored keys of fields: short ones for the fields that nearly every row has.

A state is written with every message, and PostgreSQL reads, logs and keeps each byte of it: with whole names a row is
half as long again. Fields that few rows have keep their names as keys. A key is never used for another field.
"""

from collections.abc import Mapping

SHORT: Mapping[str, str] = {
    # EventRecord
    "kind": "k",
    "order_us": "o",
    "recorded_us": "r",
    "seq_no": "q",
    "time_us": "t",
    "arrival": "a",
    "evse_id": "e",
    "connector_id": "c",
    "id_token": "i",
    "id_token_type": "it",
    "charging_state": "cs",
    "power": "pw",
    "readings": "rd",
    "frame": "fr",
    # Reading
    "at_us": "at",
    "mwh": "m",
    "rank": "rk",
    "series": "s",
    # TransactionState
    "event_count": "n",
    "created_us": "cr",
    "updated_us": "up",
    "last_key": "lk",
    "latest_us": "lt",
    "begin_us": "bg",
    "started": "sd",
    "start_us": "st",
    "stopped": "xd",
    "stop_us": "xt",
    "stop_order_us": "xo",
    "stopped_reason": "xr",
    "stop_token": "xi",
    "stop_token_type": "xit",
    "reported_stop_mwh": "xs",
    "seq_count": "qn",
    "seq_most": "qm",
    "seq_us": "qt",
    "seq_squares": "qs",
    "meter": "mt",
    "first_frame": "ff",
    "last_frame": "lf",
    "last_published_us": "tu",
    "end_published": "te",
    "given_us": "gv",
    "was_named": "wn",
    # Metering
    "registers": "g",
    "terms": "tm",
    "reported_begin": "bs",
    "reported_end": "es",
    "stop": "x",
    # Register and Run
    "runs": "rn",
    "begun": "b",
    "ended": "ed",
    "second": "s2",
    "second_at": "sa",
    "before_end": "be",
    "step": "sp",
    "first": "f",
    "last": "l",
    "first_at": "fa",
    "last_at": "la",
    "before": "p",
    "count": "ct",
    "gap_us": "gp",
    # Terms
    "power_w": "w",
    "previous_mwh": "pm",
    "previous_series": "ps",
}

# Keys of version 2: the names that the fields had then.
VERSION_2: Mapping[str, str] = {
    **SHORT,
    "told_us": "tu",
    "told_end": "te",
    "stop_said_mwh": "xs",
    "begin_said": "bs",
    "end_said": "es",
}
