"""Ends of transactions that their stations did not send: marks of hanging ones, and closures by operators. Pure.

A transaction is hanging while its station has booted, or reported the connector as available, and has sent no event
since that shows that the transaction is ongoing. Such a mark is part of the state (`transaction_state.py`), but does
not come from the transaction's events; whether an event contradicts it depends on the times of both, not on their
arrival.
"""

import msgspec

from transaction_svc.stored_names import SHORT

# csms.transaction.v1.TransactionEndOrigin.
STATION, SUPERSEDED, ABANDONED, OPERATOR, STATION_DELETED = 1, 2, 3, 4, 5

# csms.transaction.v1.StoppedReason of each origin but the station.
REASONS = {SUPERSEDED: 25, ABANDONED: 26, OPERATOR: 27, STATION_DELETED: 28}

FramePosition = tuple[int, int]
"""Epoch and ordinal of a frame: of two frames of one station, the one with the larger position was read later."""


class Mark(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """The latest boot, or available connector, since a transaction began."""

    frame: FramePosition
    since_us: int  # receive time; of several marks without an event between them, the first
    grace_us: int
    # Of the latest available connector: the station's time where plausible, else the receive time.
    time_frame: FramePosition = (0, 0)
    time_us: int | None = None
    expired: bool = False  # the grace period is over: the transaction was ended

    def precedes(self, frame: FramePosition, order_us: int) -> bool:
        """Whether an event shows that the transaction went on after this mark.

        An event that was read later does, unless its time is before the mark: a station that was offline reports its
        connectors first, and then sends the events of its queue.
        """
        return frame > self.frame and (self.time_us is None or order_us >= self.time_us)


class Closure(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """An end that an operator caused; only an Ended event of the station replaces it."""

    origin: int  # OPERATOR or STATION_DELETED
    request_us: int
    username: str = ""
    reason: str = ""
