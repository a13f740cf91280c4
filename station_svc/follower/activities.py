"""Activities of stations: begun by commands or by the station itself, moved on by what it reports (rules.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import grpc
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.error_reasons import Reason, Sent
from mesh.runtime.errors import MeshError
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.core.lock_store import lock_stations
from station_svc.follower import store
from station_svc.follower.rows import (
    ACCEPTED,
    NO_FILE_NAME,
    REJECTED,
    REQUESTED,
    SUPERSEDED,
    UNANSWERED,
    UNKNOWN,
    ActivityKind,
    ActivityReport,
    ActivityRow,
)
from station_svc.follower.rules import Board, after_report, moved

# csms.station.v1.UpdateFirmwareStatus and LogStatus
ANSWER_ACCEPTED = 1
ANSWER_REJECTED = 2
ANSWER_ACCEPTED_CANCELED = 3


def record(connection: Connection, kind: ActivityKind, reports: Sequence[ActivityReport]) -> None:
    """Takes what stations report, in the order of their frames. See station_svc.feature.ReportHandler."""
    boards = _boards(connection, kind, reports)
    changed: dict[tuple[str, str, int], ActivityRow] = {}
    published: list[OutboxEvent] = []
    kept: list[ActivityReport] = []
    for report in reports:
        board = boards[report.frame.station]
        before = board.find(report)
        if before is None:
            continue
        kept.append(replace(report, task_id=before.task_id))
        after = after_report(before, kind, report)
        if after is not before:
            board.put(after)
            changed[*after.station, after.task_id] = after
            published.append(event(kind, after, f"{after.epoch}:{after.ordinal}"))
    store.save(connection, changed.values())
    store.add_reports(connection, kind.name, kept)
    outbox.append(connection, published)


class ActivityHooks(CommandHooks):
    """The hooks of a command that begins an activity.

    `columns` are the values of the request as columns of ActivityRow.
    """

    def __init__(self, kind: ActivityKind, activity_id: int, columns: Mapping[str, Any]) -> None:
        self._kind = kind
        self._activity_id = activity_id
        self._columns = columns

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """Adds the activity before its first report can arrive. Raises MeshError where its number is in use."""
        lock_stations(connection, [(new.tenant_id, new.station_id)])
        if self._find(connection, new) is not None:
            raise MeshError(
                grpc.StatusCode.ALREADY_EXISTS,
                self._kind.exists_reason,
                f"station {new.station_id} has a {self._kind.label} {self._activity_id} already: give another, or none",
            )
        activity = ActivityRow(
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            kind=self._kind.name,
            task_id=self._activity_id,
            state=REQUESTED,
            request_id=new.request_id or "",
            username=new.username,
            previous_version=store.firmware_version(connection, new.tenant_id, new.station_id),
            create_us=now_us,
            update_us=now_us,
            deadline_us=new.deadline_us,
            **self._columns,
        )
        store.save(connection, [activity])

    def amend_answer(self, connection: Connection, new: NewCommand, answer: Any) -> None:
        """Gives an answer the status that the station's OCPP version has no word for."""
        if answer.status:
            return
        lock_stations(connection, [(new.tenant_id, new.station_id)])
        if hasattr(answer, "file_name") and not answer.file_name:
            answer.status, answer.status_info.reason_code = ANSWER_REJECTED, NO_FILE_NAME
        else:
            under_way = [activity for activity in self._others(connection, new) if activity.state not in UNANSWERED]
            answer.status = ANSWER_ACCEPTED_CANCELED if under_way else ANSWER_ACCEPTED

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """The activity is accepted, and those before it have ended; or it is refused, or not known, or never was."""
        lock_stations(connection, [(new.tenant_id, new.station_id)])
        before = self._find(connection, new)
        if before is None:  # its station was removed meanwhile
            return
        # Nothing was sent: then there is no activity.
        if isinstance(outcome, MeshError) and outcome.reason.sent is Sent.NO and before.state == REQUESTED:
            store.remove(connection, before)
            return
        after = [_answered(before, outcome, now_us)]
        if after[0].answer in {ANSWER_ACCEPTED, ANSWER_ACCEPTED_CANCELED}:
            # An activity whose command is still in flight comes after this one: a station is sent one command at a
            # time.
            asked = (
                activity
                for activity in self._others(connection, new)
                if activity.state != REQUESTED or activity.deadline_us < now_us
            )
            after += [moved(activity, SUPERSEDED, now_us) for activity in asked]
        store.save(connection, after)
        outbox.append(connection, [event(self._kind, activity, f"command:{new.command_id}") for activity in after])

    def _find(self, connection: Connection, new: NewCommand) -> ActivityRow | None:
        return store.find(
            connection,
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            kind=self._kind.name,
            task_id=self._activity_id,
        )

    def _others(self, connection: Connection, new: NewCommand) -> list[ActivityRow]:
        activities, least_id = store.load(connection, self._kind.name, [(new.tenant_id, new.station_id)]).get(
            (new.tenant_id, new.station_id), ([], 0)
        )
        return Board(self._kind, activities, least_id=least_id).others_open(self._activity_id)


def _answered(activity: ActivityRow, outcome: Any, now_us: int) -> ActivityRow:
    """The activity after the answer. What the station has reported meanwhile counts more."""
    if isinstance(outcome, MeshError):
        refused = outcome.reason is Reason.CALL_ERROR
        state = REJECTED if refused else UNKNOWN
        changes: dict[str, Any] = {"failure_reason": outcome.reason}
    else:
        accepted = outcome.status in {ANSWER_ACCEPTED, ANSWER_ACCEPTED_CANCELED}
        state = ACCEPTED if accepted else REJECTED
        changes = {
            "answer": outcome.status,
            "file_name": getattr(outcome, "file_name", ""),
            "failure_reason": "" if accepted else outcome.status_info.reason_code,
        }
    if activity.state in UNANSWERED:
        activity = moved(activity, state, now_us)
    return replace(activity, update_us=now_us, **changes)


def _boards(
    connection: Connection, kind: ActivityKind, reports: Sequence[ActivityReport]
) -> dict[tuple[str, str], Board]:
    stations = {report.frame.station for report in reports}
    found = store.load(connection, kind.name, stations)
    keys = {(*report.frame.station, report.named_id) for report in reports if report.named_id is not None}
    by_name: dict[tuple[str, str], list[ActivityRow]] = {}
    for activity in store.named(connection, kind.name, keys):
        by_name.setdefault(activity.station, []).append(activity)
    boards = {}
    for station in stations:
        activities, least_id = found.get(station, ([], 0))
        boards[station] = Board(kind, [*activities, *by_name.get(station, [])], least_id=least_id)
    return boards


def event(kind: ActivityKind, activity: ActivityRow, cause: str) -> OutboxEvent:
    """The event of a change; `cause` is what no other change of the activity has."""
    data: dict[str, Any] = {
        kind.id_name: activity.task_id,
        "state": kind.state_name(activity.state),
        "status": kind.status_name(activity.status),
        "reportedStatus": activity.reported_status,
        "failureReason": activity.failure_reason,
        "stationMade": activity.station_made,
        "requestId": activity.request_id,
    }
    return OutboxEvent(
        event_id=f"{kind.event_type}:{activity.station_id}:{activity.task_id}:{cause}",
        tenant_id=activity.tenant_id,
        type=kind.event_type,
        station_id=activity.station_id,
        event_time_us=activity.update_us,
        data=data,
    )
