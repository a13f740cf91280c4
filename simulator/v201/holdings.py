"""The holdings of a 2.0.1 station beside its neutral parts, over all its connections. Pure data."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

Words = dict[str, Any]
"""A data type of OCPP, with the names that the `ocpp` library gives its fields."""


@dataclass(kw_only=True)
class Holdings:
    """Monitors and display messages by their ids, network profiles by their slots."""

    monitors: dict[int, Words] = field(default_factory=dict)
    monitor_ids: Iterator[int] = field(default_factory=lambda: count(1))
    monitoring_base: str = "All"
    monitoring_level: int = 9
    event_ids: Iterator[int] = field(default_factory=lambda: count(1))
    open_events: dict[int, int] = field(default_factory=dict)  # of faults, by connector
    display_messages: dict[int, Words] = field(default_factory=dict)
    network_profiles: dict[int, Words] = field(default_factory=dict)
    seq_nos: dict[int, Iterator[int]] = field(default_factory=dict)  # of transaction events, by the station's own key

    def next_seq_no(self, key: int) -> int:
        """The sequence number of a transaction's next event (E01.FR.07: from 0 on)."""
        return next(self.seq_nos.setdefault(key, count()))
