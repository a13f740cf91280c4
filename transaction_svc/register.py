"""Energy from the readings of one meter register, which may jump, fall back, or start over (quirk 21). Pure."""

import msgspec


class Register(msgspec.Struct, omit_defaults=True):
    """Follows a register's readings in order, in mWh, and tells the energy between the first and the last of them.

    A register only rises. Where a reading is below the one before, the next reading tells what happened:
    it is back at the old height: the low one was wrong, and is left out;
    it lies between, and the low one fits what came before the high one: the high one was wrong, and is left out;
    it lies between, and the low one is below all that: the meter started over, and both rises count.
    Until it is told, the lower energy counts. So energy is never negative, and no wrong reading adds to it.
    """

    count: int = 0
    first: int = 0
    settled: int = 0  # energy of the rises before the meter last started over
    bottom: int = 0  # first reading since then
    before: int | None = None  # the reading below `top`, since then
    top: int = 0  # highest reading that counts
    low: int | None = None  # a reading below `top` that is not yet explained
    fell: bool = False  # whether a reading was ever below the one before

    def push(self, value: int) -> None:
        """Takes the next reading, not negative."""
        if not self.count:
            self.first = self.bottom = self.top = value
        elif self.low is None:
            self._rise_or_fall(value)
        else:
            self._explain(self.low, value)
        self.count += 1

    @property
    def last(self) -> int:
        """The latest reading that can be trusted."""
        return self.low if self.low is not None and self._fits(self.low) else self.top

    @property
    def energy(self) -> int:
        """Energy so far; never negative."""
        return self.settled + self.last - self.bottom

    def _rise_or_fall(self, value: int) -> None:
        if value > self.top:
            self.before, self.top = self.top, value
        elif value < self.top:
            self.low, self.fell = value, True

    def _explain(self, low: int, value: int) -> None:
        if value >= self.top:
            self.low = None
            self._rise_or_fall(value)
        elif value < low:
            self.low = value
        elif value > low:
            if not self._fits(low):
                self.settled += self.top - self.bottom
                self.bottom = low
            self.before, self.top, self.low = low, value, None

    def _fits(self, low: int) -> bool:
        return self.before is not None and low >= self.before
