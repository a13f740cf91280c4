"""A rate limit: the token bucket that budgets of stations are made of."""


class TokenBucket:
    """A rate limit: an amount at once, then an amount per time. It is overdrawn at most by the last amount."""

    __slots__ = ("_burst", "_per_period", "_period_us", "_refilled_us", "left")

    def __init__(self, *, burst: int, per_period: int, period_us: int) -> None:
        self._burst = burst
        self._per_period = per_period
        self._period_us = period_us
        self._refilled_us = 0
        self.left = 0  # the first refill fills it

    def refill(self, now_us: int) -> bool:
        """Allows what the time since the last refill is good for; false where that does not make up for the excess."""
        self._refilled_us = min(self._refilled_us, now_us)  # a clock that is set back removes nothing
        gained = (now_us - self._refilled_us) * self._per_period // self._period_us
        self._refilled_us += gained * self._period_us // self._per_period  # not to `now_us`: parts of one add up
        self.left = min(self._burst, self.left + gained)
        return self.left > 0

    def take(self, amount: int, now_us: int) -> bool:
        """Uses up `amount`; false, with nothing used, where nothing is left."""
        if self.left <= 0 and not self.refill(now_us):
            return False
        self.left -= amount
        return True
