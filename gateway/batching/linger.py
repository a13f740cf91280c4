"""Whether and how long a batch waits for more items. Pure: it is given item counts and the time.

See docs/DESIGN.md, "Batches".
"""

# After a batch of at least this many items the next one lingers: stations that were just answered may send more, and
# others may send at the same time. Half of the cost of a batch does not depend on its size (at 50 stations in a closed
# loop, 25 % less CPU per message). The linger is a part of the time that the large batch took, and zero where that one
# is long over: a batcher with few items adds no delay.
LINGER_FROM_ITEMS = 8
FIXED_LINGER_FROM_ITEMS = 2
LINGER_SHARE = 0.5
MAX_LINGER_S = 0.005
LINGER_WITHIN_S = 0.05


class LingerPolicy:
    """Decides after each batch whether the next one lingers. Times are seconds by one monotonic clock.

    With `max_linger_s` a batch always lingers for so long after one of several items. That is for items that go beside
    other messages: they come a few at a time, each from another station.
    """

    __slots__ = ("_linger_s", "_max_items", "_max_linger_s", "_until_s", "enough_items", "is_active")

    def __init__(self, *, max_items: int, max_linger_s: float | None = None) -> None:
        self.is_active = False  # whether a batch was large of late; if not, the clock need not be read
        self.enough_items = max_items  # a batch of as many items as this need not wait any longer
        self._max_items = max_items
        self._max_linger_s = max_linger_s
        self._linger_s = 0.0
        self._until_s = 0.0

    def on_batch(self, items: int, waiting: int, took_s: float, now_s: float) -> bool:
        """A batch was delivered, and `waiting` items came meanwhile. Returns whether the next one may linger for it."""
        if items < (LINGER_FROM_ITEMS if self._max_linger_s is None else FIXED_LINGER_FROM_ITEMS):
            return False
        if self._max_linger_s is None:
            self.enough_items = min(self._max_items, items + waiting)
            self._linger_s = min(MAX_LINGER_S, took_s * LINGER_SHARE)
        else:
            self._linger_s = self._max_linger_s
        self._until_s = now_s + LINGER_WITHIN_S
        self.is_active = True
        return True

    def linger_s(self, now_s: float) -> float | None:
        """Seconds that a batch lingers from its first item on; None where it leaves at once."""
        if self.is_active and now_s < self._until_s:
            return self._linger_s
        self.is_active = False
        return None

    def reset(self) -> None:
        """Lets batches leave at once until the next large one."""
        self.is_active = False
