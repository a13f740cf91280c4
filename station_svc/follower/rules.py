"""How a task follows what its station reports. Pure.

What a station reports by number is about the task of that number, which follows the latest of it in the order of
frames, in whatever order it comes. What it reports without a number (1.6) is about its latest task at that moment,
unless that has come to its end; then, as where there is none, the station did it by itself.
"""

from collections.abc import Iterable
from dataclasses import replace

from mesh.times import SECOND_US
from station_svc.follower.rows import DONE, ENDED, NO_FILE_NAME, REJECTED, SUPERSEDED, TaskKind, TaskReport, TaskRow

# A station that failed and tries again does so within this time; later it is another task.
TRIES_AGAIN_US = 24 * 3600 * SECOND_US


def is_open(task: TaskRow) -> bool:
    """Whether it has not come to its end."""
    return task.state not in ENDED


def after_report(task: TaskRow, kind: TaskKind, report: TaskReport) -> TaskRow:
    """The task after a report about it; the same one where the report is late, a repeat, or says nothing new."""
    state = kind.states.get(report.status)
    if state is None or report.frame.version <= task.version or _is_decided(task):
        return task
    said = (state, report.status, report.reported_status)
    if said == (task.state, task.status, task.reported_status):
        return task
    return replace(
        moved(task, state, report.frame.receive_us),
        status=report.status,
        reported_status=report.reported_status,
        failure_reason="",
        epoch=report.frame.epoch,
        ordinal=report.frame.ordinal,
    )


def moved(task: TaskRow, state: int, now_us: int) -> TaskRow:
    """The task in another state, or in the same one, which it came to when it did."""
    end_us = task.end_us if state == task.state else now_us
    return replace(task, state=state, update_us=now_us, end_us=end_us if state in ENDED else None)


class Board:
    """The tasks of one kind at one station, some of the latest at least, and those that reports name."""

    def __init__(self, kind: TaskKind, tasks: Iterable[TaskRow], *, least_id: int) -> None:
        self._kind = kind
        self._tasks = {task.task_id: task for task in tasks}
        self._least_id = min(least_id, 0)

    def find(self, report: TaskReport) -> TaskRow | None:
        """The task that a report is about, perhaps one that the station has begun by itself; None where it is late.

        Such a task is as it was before the report.
        """
        if report.named_id is not None:
            return self._tasks.get(report.named_id) or self._begun(report, report.named_id)
        latest = self._latest(report.frame.receive_us)
        if latest is not None and _takes(latest, self._kind, report):
            return latest
        if report.status not in self._kind.states or self._is_late(report):
            return None
        return self._begun(report, self._least_id - 1)

    def put(self, task: TaskRow) -> None:
        """Replaces a task by what became of it."""
        self._tasks[task.task_id] = task
        self._least_id = min(self._least_id, task.task_id)

    def others_open(self, task_id: int) -> list[TaskRow]:
        """The tasks that have not come to their end, but for one."""
        return [task for task in self._tasks.values() if is_open(task) and task.task_id != task_id]

    def _latest(self, now_us: int) -> TaskRow | None:
        """The latest task that had begun then: an open one where there is one, else one that was not refused."""
        began = [task for task in self._tasks.values() if task.create_us <= now_us and not _is_refused(task)]
        return max(filter(is_open, began), key=_age, default=None) or max(began, key=_age, default=None)

    def _is_late(self, report: TaskReport) -> bool:
        return any(report.frame.version <= task.version for task in self._tasks.values())

    def _begun(self, report: TaskReport, task_id: int) -> TaskRow | None:
        if report.status not in self._kind.states:
            return None
        frame = report.frame
        return TaskRow(
            tenant_id=frame.tenant_id,
            station_id=frame.station_id,
            kind=self._kind.name,
            task_id=task_id,
            state=0,
            station_made=True,
            create_us=frame.receive_us,
            update_us=frame.receive_us,
        )


def _takes(task: TaskRow, kind: TaskKind, report: TaskReport) -> bool:
    """Whether a report without a number is about this task, the station's latest."""
    state = kind.states.get(report.status)
    if is_open(task) or state is None or report.status == task.status or state == task.state == DONE:
        return True
    soon = report.frame.receive_us - task.update_us <= TRIES_AGAIN_US
    return soon and task.state != DONE and not _is_decided(task)


def _is_decided(task: TaskRow) -> bool:
    """Whether it has ended for a reason that nothing the station reports can change.

    A station that was taken to have refused, since it named no file (1.6 GetDiagnostics), may do it all the same.
    """
    return task.state == SUPERSEDED or _is_refused(task)


def _is_refused(task: TaskRow) -> bool:
    return task.state == REJECTED and task.failure_reason != NO_FILE_NAME


def _age(task: TaskRow) -> tuple[int, int]:
    return task.create_us, task.task_id
