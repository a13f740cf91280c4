"""Uploads of a station's log, asked for as diagnostics or by request id. A state machine without I/O."""

from dataclasses import dataclass

from simulator.notices import UploadReport, UploadStatus, UploadWanted

_DEFAULT_RETRY_MS = 30_000


@dataclass(frozen=True, kw_only=True)
class UploadOrder:
    """A log that was asked for. `request_id` is None for diagnostics; `retries` are attempts after the first one."""

    location: str
    file_name: str
    text: str
    request_id: int | None = None
    retries: int = 0
    retry_interval_s: int | None = None


class Uploads:
    """The upload that a station is at, if any; `events` is what it has to report and to send."""

    def __init__(self) -> None:
        self.events: list[UploadReport | UploadWanted] = []
        self._order: UploadOrder | None = None
        self._job = 0
        self._attempts = 0
        self._now_ms = 0
        self._again_ms: int | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether there is an upload that has not ended."""
        return self._order is not None

    @property
    def request_id(self) -> int | None:
        """Of the upload under way."""
        return None if self._order is None else self._order.request_id

    def order(self, order: UploadOrder, now_ms: int) -> None:
        """Begins an upload, in the place of one that is under way."""
        self._order = order
        self._attempts = 0
        self._now_ms = now_ms
        self._report(UploadStatus.UPLOADING)
        self._send(order)

    def advance(self, now_ms: int) -> None:
        """Lets time go by."""
        self._now_ms = now_ms
        if self._order is not None and self._again_ms is not None and now_ms >= self._again_ms:
            self._send(self._order)

    def sent(self, job: int, outcome: UploadStatus) -> None:
        """The outcome of an attempt; only a plain failure is worth another one."""
        if job != self._job or self._order is None:
            return
        if outcome is UploadStatus.FAILED and self._attempts <= self._order.retries:
            interval_s = self._order.retry_interval_s
            self._again_ms = self._now_ms + (_DEFAULT_RETRY_MS if interval_s is None else interval_s * 1000)
            return
        self._report(outcome)
        self._order = None

    def _send(self, order: UploadOrder) -> None:
        self._job += 1
        self._attempts += 1
        self._again_ms = None
        self.events.append(
            UploadWanted(
                job=self._job,
                location=order.location,
                file_name=order.file_name,
                text=order.text,
                at_ms=self._now_ms,
            )
        )

    def _report(self, status: UploadStatus) -> None:
        self.events.append(UploadReport(status=status, request_id=self.request_id, at_ms=self._now_ms))
