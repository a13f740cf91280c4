"""Limits of what is served without an access token beside logins: refreshes and registrations, by source."""

from mesh.runtime.error_reasons import Reason
from mesh.runtime.rate_limits import Rate, RateLimit, exhausted
from mesh.runtime.times import SECOND_US, Clock

# An access token is good for a quarter of an hour: a source with a thousand sessions needs one or two a second.
REFRESHES_PER_SOURCE = Rate(burst=200, per_s=5.0)
# The windows of one browser refresh together, and only one of them gets the next token.
REFRESHES_PER_SESSION = Rate(burst=20, per_s=0.1)
# A registration without a token costs a slow hash.
REGISTRATIONS_PER_SOURCE = Rate(burst=10, per_s=1 / 60)


class SessionLimits:
    """Refuses what is too often: MeshError RESOURCE_EXHAUSTED with `retry_after_s`. Each replica counts for itself."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._sources = RateLimit(REFRESHES_PER_SOURCE, clock_s=self._now_s)
        self._sessions = RateLimit(REFRESHES_PER_SESSION, clock_s=self._now_s)
        self._registrations = RateLimit(REGISTRATIONS_PER_SOURCE, clock_s=self._now_s)

    def admit_refresh(self, network: str, family: str) -> None:
        """Counts a refresh with a token of this family from a network. Raises TOO_MANY_ATTEMPTS."""
        if wait_s := self._sources.take(network):
            raise exhausted(Reason.TOO_MANY_ATTEMPTS, "too many refreshes from your address", wait_s)
        if wait_s := self._sessions.take(family[:64]):
            raise exhausted(Reason.TOO_MANY_ATTEMPTS, "the session is refreshed too often", wait_s)

    def admit_registration(self, network: str) -> None:
        """Counts a registration without a token from a network. Raises TOO_MANY_ATTEMPTS."""
        if wait_s := self._registrations.take(network):
            raise exhausted(Reason.TOO_MANY_ATTEMPTS, "too many registrations from your address", wait_s)

    def _now_s(self) -> float:
        return self._clock() / SECOND_US
