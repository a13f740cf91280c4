"""A firmware update from the order to the restart (OCPP 1.6, 5.19; security whitepaper, 4.5).

A state machine without I/O. Its steps take their time by the station's life; when to begin is agreed with the
central system, and goes by real time.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto

from simulator.notices import DownloadWanted, FirmwareReport, FirmwareStatus

DOWNLOAD_MS = 20_000  # at the least
VERIFY_MS = 3_000
INSTALL_MS = 30_000
_DEFAULT_RETRY_MS = 30_000
_AT_ONCE = timedelta(seconds=1)  # what is to begin so soon is not scheduled
_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Failure(StrEnum):
    """The steps at which a station can be configured to fail, whatever it is sent."""

    DOWNLOAD = "download"
    SIGNATURE = "signature"
    INSTALL = "install"


@dataclass(frozen=True, kw_only=True)
class Order:
    """An update that was asked for. `verify` says whether a content is signed properly; None: it need not be signed.

    `retries` are attempts after the first one.
    """

    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    retries: int = 0
    retry_interval_s: int | None = None
    request_id: int | None = None
    verify: Callable[[bytes], bool] | None = None


class _Stage(Enum):
    IDLE = auto()
    SCHEDULED = auto()
    DOWNLOADING = auto()
    RETRYING = auto()
    DOWNLOADED = auto()
    READY = auto()  # as soon as it is time and nobody charges
    INSTALLING = auto()
    RESTARTING = auto()


_CANCELLABLE = (_Stage.SCHEDULED, _Stage.DOWNLOADING, _Stage.RETRYING, _Stage.DOWNLOADED, _Stage.READY)


class Firmware:
    """The update that a station is at, if any. `events` has reports and files to fetch."""

    def __init__(self, *, version: str, busy: Callable[[], bool], fails: frozenset[Failure] = frozenset()) -> None:
        self.version = version
        self.events: list[FirmwareReport | DownloadWanted] = []
        self.restart_due = False
        self.status = FirmwareStatus.IDLE
        self._busy = busy
        self._fails = fails
        self._stage = _Stage.IDLE
        self._order: Order | None = None
        self._job = 0
        self._attempts = 0
        self._next_ms = 0
        self._now_ms = 0
        self._content: bytes | None = None
        self._has_content = False

    @property
    def request_id(self) -> int | None:
        """Of the latest signed update."""
        return None if self._order is None else self._order.request_id

    @property
    def is_under_way(self) -> bool:
        """Whether there is an update that has not ended."""
        return self._stage is not _Stage.IDLE

    @property
    def may_be_cancelled(self) -> bool:
        """Whether another order may take the place of the present one."""
        return self._stage in _CANCELLABLE

    @property
    def keeps_idle(self) -> bool:
        """Whether nothing new may begin at the station: an installation waits or runs."""
        return self._stage in (_Stage.READY, _Stage.INSTALLING, _Stage.RESTARTING)

    def order(self, order: Order, now_ms: int, moment: datetime) -> bool:
        """Begins an update, in the place of one that is not yet being installed. Returns whether it does."""
        if self.is_under_way and not self.may_be_cancelled:
            return False
        self._order = order
        self._attempts = 0
        self._now_ms = now_ms
        self._stage = _Stage.SCHEDULED
        if order.retrieve_at - moment > _AT_ONCE and order.request_id is not None:
            self._report(FirmwareStatus.DOWNLOAD_SCHEDULED)
        return True

    def advance(self, now_ms: int, moment: datetime) -> None:
        """Lets time go by."""
        self._now_ms = now_ms
        order = self._order
        if order is None:
            return
        match self._stage:
            case _Stage.SCHEDULED if moment >= order.retrieve_at:
                self._download(order)
            case _Stage.RETRYING if now_ms >= self._next_ms:
                self._download(order)
            case _Stage.DOWNLOADING if self._has_content and now_ms >= self._next_ms:
                self._take(order)
            case _Stage.DOWNLOADED if now_ms >= self._next_ms:
                self._verify(order, moment)
            case _Stage.READY if (order.install_at is None or moment >= order.install_at) and not self._busy():
                self._report(FirmwareStatus.INSTALLING)
                self._go(_Stage.INSTALLING, INSTALL_MS)
            case _Stage.INSTALLING if now_ms >= self._next_ms:
                self._install(order)

    def fetched(self, job: int, content: bytes | None) -> None:
        """The outcome of a download: its content; no bytes at all where it was only pretended, None where it failed."""
        if job == self._job and self._stage is _Stage.DOWNLOADING:
            self._content = content
            self._has_content = True

    def restarted(self) -> bool:
        """The station is up again. Returns whether it was for an update, which is reported as installed."""
        if self._stage is not _Stage.RESTARTING or self._order is None:
            return False
        self.version = next_version(self.version, self._order.location)
        self._end(FirmwareStatus.INSTALLED)
        return True

    def _download(self, order: Order) -> None:
        self._job += 1
        self._attempts += 1
        self._has_content = False
        if self._attempts == 1:
            self._report(FirmwareStatus.DOWNLOADING)
        self.events.append(DownloadWanted(job=self._job, location=order.location, at_ms=self._now_ms))
        self._go(_Stage.DOWNLOADING, DOWNLOAD_MS)

    def _take(self, order: Order) -> None:
        if self._content is not None and Failure.DOWNLOAD not in self._fails:
            self._report(FirmwareStatus.DOWNLOADED)
            self._go(_Stage.DOWNLOADED, VERIFY_MS)
        elif self._attempts > order.retries:
            self._end(FirmwareStatus.DOWNLOAD_FAILED)
        else:
            interval_s = order.retry_interval_s
            self._go(_Stage.RETRYING, _DEFAULT_RETRY_MS if interval_s is None else interval_s * 1000)

    def _verify(self, order: Order, moment: datetime) -> None:
        if order.verify is not None:
            # A firmware whose download was simulated has a simulated signature.
            sound = not self._content or order.verify(self._content)
            if not sound or Failure.SIGNATURE in self._fails:
                self._end(FirmwareStatus.INVALID_SIGNATURE)
                return
            self._report(FirmwareStatus.SIGNATURE_VERIFIED)
        if order.install_at is not None and moment < order.install_at:
            self._report(FirmwareStatus.INSTALL_SCHEDULED)
        self._go(_Stage.READY, 0)

    def _install(self, order: Order) -> None:
        if Failure.INSTALL in self._fails:
            self._end(FirmwareStatus.INSTALLATION_FAILED)
            return
        if order.request_id is not None:
            self._report(FirmwareStatus.INSTALL_REBOOTING)
        self._go(_Stage.RESTARTING, 0)
        self.restart_due = True

    def _end(self, status: FirmwareStatus) -> None:
        self._report(status)
        self._stage = _Stage.IDLE
        self._content = None

    def _go(self, stage: _Stage, for_ms: int) -> None:
        self._stage = stage
        self._next_ms = self._now_ms + for_ms

    def _report(self, status: FirmwareStatus) -> None:
        self.status = status
        self.events.append(FirmwareReport(status=status, request_id=self.request_id, at_ms=self._now_ms))


def next_version(present: str, location: str) -> str:
    """The version that an update brings: the one in the name of its file, or else the next after the present one."""
    named: list[str] = _VERSION.findall(location.rpartition("/")[2])
    if named:
        return named[-1]
    head, dot, last = present.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdigit() else f"{present}.1"
