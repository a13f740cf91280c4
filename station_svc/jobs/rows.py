"""Rows of the job queue, frozen, free of SQL and of protobuf."""

import secrets
from dataclasses import dataclass, field
from enum import IntEnum

# Of a request id of CommandService (64 characters), the part that job and attempt leave to the handler.
MOST_PART = 20


NOBODY = "csms"
"""The user of jobs that no user requested."""


class JobState(IntEnum):
    """State of a job. Numbers are stored: they never change."""

    WAITING = 1  # to be run at `run_us`
    PARKED = 2  # until its station is there
    RUNNING = 3  # by `owner`, whose lease ends at `run_us`
    DONE = 4
    FAILED = 5
    CANCELLED = 6

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self >= JobState.DONE


def _job_id() -> str:
    return secrets.token_hex(12)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A job to be queued. `slot`: at most one job of a tenant that is not over has it; None: as many as there are.

    `run_us` 0: at once. `expire_us` None: given up after EXPIRE_DAYS days (job_store.py), be it running or not.
    """

    tenant_id: str
    kind: str
    station_id: str
    payload: bytes = b""
    username: str = NOBODY  # the user who requested it, for the record
    slot: str | None = None
    run_us: int = 0
    expire_us: int | None = None
    job_id: str = field(default_factory=_job_id)


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A job. `run_us`: when it is looked at next; of one that runs, the end of its owner's lease."""

    tenant_id: str
    job_id: str
    kind: str
    station_id: str
    username: str
    payload: bytes
    state: JobState
    run_us: int
    create_us: int
    expire_us: int
    # Rises with each run that ended, in any way; a replica that takes a job over continues the same attempt.
    attempt: int
    # Attempts that failed since the job last made progress, and owners that were lost during this one.
    failures: int
    takeovers: int
    # Fencing token; rises with each new owner: writes of an owner count only while it has the latest.
    turn: int
    cancelling: bool
    error: bytes | None  # google.rpc.Status of the last failure, serialized

    @property
    def key(self) -> tuple[str, str]:
        """Its key."""
        return self.tenant_id, self.job_id

    @property
    def station(self) -> tuple[str, str]:
        """Its station's key."""
        return self.tenant_id, self.station_id

    def request_id(self, part: str = "") -> str:
        """The request id of a command of this attempt: the job's next owner sends it again and finds the first outcome.

        `part` distinguishes the commands of one attempt, at most 20 characters.
        """
        if len(part) > MOST_PART:
            raise ValueError(f"{part!r} is longer than {MOST_PART} characters")
        return f"job-{self.job_id}-{self.attempt}" + (f"-{part}" if part else "")
