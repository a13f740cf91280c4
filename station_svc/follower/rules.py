"""Changes of an activity by its station's reports. Pure.

A report with a number is about the activity of that number, which follows the latest report in the order of
frames, in any order of arrival. A report without one (1.6) is about the station's latest activity at that moment,
unless that has ended; then, as where there is none, the station began an activity by itself.
"""

from collections.abc import Iterable
from dataclasses import replace

from mesh.runtime.times import DAY_US
from station_svc.follower.rows import (
    DONE,
    ENDED,
    NO_FILE_NAME,
    REJECTED,
    SUPERSEDED,
    WITHDRAWN,
    ActivityKind,
    ActivityReport,
    ActivityRow,
)

# A station that failed and tries again does so within this time; later it is another activity.
TRIES_AGAIN_US = DAY_US


def is_open(activity: ActivityRow) -> bool:
    """Whether it has not come to its end."""
    return activity.state not in ENDED


def after_report(activity: ActivityRow, kind: ActivityKind, report: ActivityReport) -> ActivityRow:
    """The activity after a report about it; unchanged where the report is late, a repeat, or has nothing new."""
    state = kind.states.get(report.status)
    if state is None or report.frame.version <= activity.version or _is_decided(activity):
        return activity
    reported = (state, report.status, report.reported_status)
    if reported == (activity.state, activity.status, activity.reported_status):
        return activity
    return replace(
        moved(activity, state, report.frame.receive_us),
        status=report.status,
        reported_status=report.reported_status,
        failure_reason="",
        published_locations=report.locations or activity.published_locations,
        epoch=report.frame.epoch,
        ordinal=report.frame.ordinal,
    )


def moved(activity: ActivityRow, state: int, now_us: int) -> ActivityRow:
    """The activity in another state, or in the same one, which it came to when it did."""
    end_us = activity.end_us if state == activity.state else now_us
    return replace(activity, state=state, update_us=now_us, end_us=end_us if state in ENDED else None)


class Board:
    """The activities of one kind at one station, some of the latest at least, and those that reports name."""

    def __init__(self, kind: ActivityKind, activities: Iterable[ActivityRow], *, least_id: int) -> None:
        self._kind = kind
        self._activities = {activity.task_id: activity for activity in activities}
        self._least_id = min(least_id, 0)

    def find(self, report: ActivityReport) -> ActivityRow | None:
        """The activity that a report is about, perhaps one that the station has begun by itself; None where it is late.

        Such an activity is as it was before the report.
        """
        if report.named_id is not None:
            return self._activities.get(report.named_id) or self._begun(report, report.named_id)
        latest = self._latest(report.frame.receive_us)
        if latest is not None and _takes(latest, self._kind, report):
            return latest
        if report.status not in self._kind.states or self._is_late(report):
            return None
        return self._begun(report, self._least_id - 1)

    def put(self, activity: ActivityRow) -> None:
        """Replaces an activity by what became of it."""
        self._activities[activity.task_id] = activity
        self._least_id = min(self._least_id, activity.task_id)

    def others_open(self, task_id: int) -> list[ActivityRow]:
        """The activities that have not come to their end, but for one."""
        return [activity for activity in self._activities.values() if is_open(activity) and activity.task_id != task_id]

    def _latest(self, now_us: int) -> ActivityRow | None:
        """The latest activity that had begun then: an open one where there is one, else one that was not refused."""
        began = [
            activity
            for activity in self._activities.values()
            if activity.create_us <= now_us and not _is_refused(activity)
        ]
        return max(filter(is_open, began), key=_age, default=None) or max(began, key=_age, default=None)

    def _is_late(self, report: ActivityReport) -> bool:
        return any(report.frame.version <= activity.version for activity in self._activities.values())

    def _begun(self, report: ActivityReport, task_id: int) -> ActivityRow | None:
        if report.status not in self._kind.states:
            return None
        frame = report.frame
        return ActivityRow(
            tenant_id=frame.tenant_id,
            station_id=frame.station_id,
            kind=self._kind.name,
            task_id=task_id,
            state=0,
            station_made=True,
            create_us=frame.receive_us,
            update_us=frame.receive_us,
        )


def _takes(activity: ActivityRow, kind: ActivityKind, report: ActivityReport) -> bool:
    """Whether a report without a number is about this activity, the station's latest."""
    state = kind.states.get(report.status)
    if is_open(activity) or state is None or report.status == activity.status or state == activity.state == DONE:
        return True
    soon = report.frame.receive_us - activity.update_us <= TRIES_AGAIN_US
    return soon and activity.state != DONE and not _is_decided(activity)


def _is_decided(activity: ActivityRow) -> bool:
    """Whether it has ended for a reason that no report of the station can change.

    A station that is assumed to have refused, since it named no file (1.6 GetDiagnostics), may upload all the same.
    """
    return activity.state in {SUPERSEDED, WITHDRAWN} or _is_refused(activity)


def _is_refused(activity: ActivityRow) -> bool:
    return activity.state == REJECTED and activity.failure_reason != NO_FILE_NAME


def _age(activity: ActivityRow) -> tuple[int, int]:
    return activity.create_us, activity.task_id
