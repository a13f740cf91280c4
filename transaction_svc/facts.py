"""A recorded event as far as folding needs it, stored beside it (`stored_form.py`): refolding reads no protobuf."""

import msgspec

# Kinds of event, numbered as csms.transaction.v1.TransactionEventType.
STARTED, UPDATED, ENDED = 1, 2, 3
# Ranks of readings: the begin of a transaction is before, the end after all others, whatever the clock says.
BEGIN, BETWEEN, END = 0, 1, 2

Reading = tuple[int, int, int, int]
"""Rank, time in µs, source (0 is best), register in mWh; a register below zero is broken."""

Interval = tuple[int, int, int]
"""Time in µs, source (0 is best), energy in mWh."""


class Fact(msgspec.Struct, tag_field="v", tag=2, omit_defaults=True):
    """One event. Times are µs since 1970 UTC. A new field needs a default."""

    kind: int
    order_us: int  # the station's where plausible, else when it was received
    recorded_us: int
    seq_no: int | None = None  # None where the protocol has none (1.6)
    time_us: int | None = None  # the station's, right or wrong
    arrival: int = 0  # how many events of its transaction were recorded before it
    evse_id: int = 0
    connector_id: int = 0
    id_token: str = ""
    id_token_type: str = ""
    charging_state: int = 0
    stopped_reason: int = 0
    skewed: bool = False
    orphan: bool = False  # no transaction was found that a 1.6 station can have meant
    readings: tuple[Reading, ...] = ()
    intervals: tuple[Interval, ...] = ()

    @property
    def key(self) -> tuple[int, int, int, int]:
        """Position in folding order: by kind, by seq_no, by time. Of two 1.6 stops, the first recorded counts."""
        if self.seq_no is None and self.kind == ENDED:
            return self.kind, 0, 0, self.arrival
        return self.kind, self.seq_no or 0, self.order_us, self.arrival
