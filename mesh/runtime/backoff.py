"""Waits between attempts: longer after each failure, and of a random length, so that callers do not come in step."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

# No wait doubles as often: it is at its bound long before, and a float has no room for more than 1023 doublings.
_MOST_STEPS = 64

Uniform = Callable[[float, float], float]
"""Draws a number between two others, as `random.uniform` does."""

NO_JITTER = (1.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """The waits of one kind of attempt, in seconds: `first_s`, then `factor` times the one before, `most_s` at most.

    Each wait is multiplied by a random number between the two of `jitter`. It holds no state: callers count failures.
    """

    first_s: float
    most_s: float
    factor: float = 2.0
    jitter: tuple[float, float] = (0.5, 1.0)
    uniform: Uniform = field(default=random.uniform, repr=False)

    def after(self, failures: int) -> float:
        """The wait after so many failures in a row, from 1 on."""
        steps = min(max(failures - 1, 0), _MOST_STEPS)
        return min(self.first_s * self.factor**steps, self.most_s) * self.uniform(*self.jitter)
