"""Activities as rows: a firmware update or an upload of a log, on command or not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mesh.runtime.error_reasons import Reason
from station_svc.core.rows import Frame

# States that all kinds have, by the numbers that the contract gives them in each; from 8 on a kind has its own.
REQUESTED = 1
ACCEPTED = 2
REJECTED = 3
SUPERSEDED = 4
UNKNOWN = 5
FAILED = 6
DONE = 7

# Of publications of firmware alone: done, and undone by a command. No other kind has a state of this number.
WITHDRAWN = 12

ENDED = frozenset({REJECTED, SUPERSEDED, FAILED, DONE, WITHDRAWN})
# Failure reason where a station's answer had no file name (1.6 GetDiagnostics), which means a refusal.
NO_FILE_NAME = "NoFileName"
UNANSWERED = frozenset({REQUESTED, UNKNOWN})


@dataclass(frozen=True, kw_only=True)
class ActivityKind:
    """A kind of activity. Numbers are the contract's."""

    name: str  # in the table
    states: Mapping[int, int]  # the state of each status; a status that is missing changes nothing
    event_type: str
    id_name: str  # of the activity's number, in the event's data
    state_name: Callable[[int], str]
    status_name: Callable[[int], str]
    exists_reason: Reason  # reason of the error where a number is in use
    not_found_reason: Reason

    @property
    def label(self) -> str:
        """Its name in messages for people."""
        return self.name.replace("_", " ")


@dataclass(frozen=True, kw_only=True)
class ActivityRow:
    """An activity. `epoch` and `ordinal` are of the latest frame that changed it, 0 before the first."""

    tenant_id: str
    station_id: str
    kind: str
    task_id: int
    state: int
    status: int = 0
    reported_status: str = ""
    answer: int = 0
    failure_reason: str = ""
    station_made: bool = False
    request_id: str = ""
    username: str = ""
    location: str = ""
    file_name: str = ""
    log_type: int = 0
    is_signed: bool = False
    retrieve_us: int | None = None
    install_us: int | None = None
    oldest_us: int | None = None
    latest_us: int | None = None
    retries: int | None = None
    retry_interval_s: int | None = None
    previous_version: str = ""
    installed_version: str = ""
    checksum: str = ""
    published_locations: str = ""  # JSON, a list of URIs; empty: none
    epoch: int = 0
    ordinal: int = 0
    create_us: int
    update_us: int
    end_us: int | None = None
    deadline_us: int = 0

    @property
    def station(self) -> tuple[str, str]:
        """The station's key."""
        return self.tenant_id, self.station_id

    @property
    def version(self) -> tuple[int, int]:
        """The latest frame that changed it."""
        return self.epoch, self.ordinal


@dataclass(frozen=True, kw_only=True)
class ActivityReport:
    """A status that a station reported; `named_id` is the number that it gave, None where it gave none.

    `task_id` is the activity that it was found to be about, 0 for none. `locations` are the URIs that it names,
    as ActivityRow has them.
    """

    frame: Frame
    status: int
    reported_status: str
    named_id: int | None = None
    task_id: int = 0
    locations: str = ""
