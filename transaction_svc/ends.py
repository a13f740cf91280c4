"""Ends of transactions that their stations did not send: what marks one as hanging, and who closed one. Pure.

A transaction is hanging while its station has booted, or reported the connector as available, and has sent nothing
since that shows that the transaction goes on. Such a mark is kept with the fold (fold.py) and never folded from events;
whether an event contradicts it is decided by what both say, so that their order of arrival makes no difference.
"""

import msgspec

from transaction_svc.stored_names import SHORT

# csms.transaction.v1.TransactionEndOrigin.
STATION, SUPERSEDED, ABANDONED, OPERATOR, STATION_DELETED = 1, 2, 3, 4, 5

# csms.transaction.v1.StoppedReason of each that is not the station's.
REASONS = {SUPERSEDED: 25, ABANDONED: 26, OPERATOR: 27, STATION_DELETED: 28}

FramePosition = tuple[int, int]
"""Epoch and ordinal of the frame that told of something: of two of one station, the larger was read later."""


class Mark(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """The latest boot, or available connector, since a transaction began."""

    frame: FramePosition
    since_us: int  # when it was received; of several without an event between them, the first
    grace_us: int
    # Of the latest available connector; when it was received, where its station gave no time that can be believed.
    time_frame: FramePosition = (0, 0)
    time_us: int | None = None
    expired: bool = False  # whether the transaction was ended for it

    def precedes(self, frame: FramePosition, order_us: int) -> bool:
        """Whether an event shows that the transaction went on after this mark.

        One that was read later does, unless the station's clock says that it happened before: a station that was
        offline first reports its connectors, and then sends what it has kept.
        """
        return frame > self.frame and (self.time_us is None or order_us >= self.time_us)


class Closure(msgspec.Struct, rename=SHORT, omit_defaults=True):
    """An end that was decided here, and that no event takes back but the station's own."""

    origin: int  # OPERATOR or STATION_DELETED
    request_us: int  # when that was
    username: str = ""
    reason: str = ""
