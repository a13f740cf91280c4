"""Rollouts as rows. Enums hold the numbers of csms.station.v1.RolloutService."""

from dataclasses import dataclass
from enum import IntEnum


class RolloutState(IntEnum):
    """State of a rollout."""

    SCHEDULED = 1
    RUNNING = 2
    PAUSED = 3
    STOPPED = 4
    DONE = 5

    @property
    def is_open(self) -> bool:
        """Whether it may begin at further stations, now or later."""
        return self < RolloutState.STOPPED


class TargetState(IntEnum):
    """State of a rollout at one station. Each has a count of its name in RolloutRow, except PENDING."""

    PENDING = 1
    RUNNING = 2
    SUCCEEDED = 3
    FAILED = 4
    SKIPPED = 5
    CANCELLED = 6


STOPPED_BY_OPERATOR = 1
STOPPED_BY_FAILURES = 2


@dataclass(frozen=True, kw_only=True)
class RolloutRow:
    """A rollout. `work` is the contract's message of that `kind`, serialized."""

    tenant_id: str
    rollout_id: str
    display_name: str
    filter: str
    kind: str
    work: bytes
    max_parallel: int
    stop_after_failures: int
    start_us: int
    expire_us: int
    state: RolloutState
    stop_reason: int = 0
    username: str
    request_id: str | None
    digest: str  # of the request, to recognize a repeat
    total: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    create_us: int
    update_us: int
    end_us: int | None = None
    retry_of: str = ""  # the rollout at whose stations it tries again

    @property
    def pending(self) -> int:
        """At how many stations it has not begun."""
        return self.total - self.running - self.succeeded - self.failed - self.skipped - self.cancelled

    @property
    def free(self) -> int:
        """At how many stations it may begin now."""
        return max(0, self.max_parallel - self.running) if self.state is RolloutState.RUNNING else 0

    @property
    def unique_key(self) -> str:
        """The unique key of the job that keeps it going."""
        return f"rollout:{self.rollout_id}"

    def target_key(self, station_id: str) -> str:
        """The unique key of the job of one station."""
        return f"rollout:{self.rollout_id}:{station_id}"


@dataclass(frozen=True, kw_only=True)
class TargetRow:
    """A station of a rollout. `held`: its job waits for a place, not for its station. `progress` is the work's own."""

    tenant_id: str
    rollout_id: str
    station_id: str
    state: TargetState
    queued: bool
    held: bool
    progress: str
    reboot_required: bool
    firmware_update_id: int
    error: bytes | None
    answer: bytes | None
    answer_status: str
    answer_reason: str
    start_us: int | None
    end_us: int | None
