"""Charging profiles that stations report, in any number of parts. OCPP 2.0.1 part 2, K09.

Parts have no numbers: the one without `to_be_continued` is the last. A part is answered only once it is recorded, so
that a station sends the next one after it.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from csms.station.v1 import charging_profile_pb2 as pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.contract.texts import without_nul
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, from_timestamp
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.outcomes import Outcome, outcome_of
from station_svc.commands.rows import NewCommand
from station_svc.core import allocation_store
from station_svc.core.rows import Frame
from station_svc.features.smart_charging import report_store, rules, store
from station_svc.features.smart_charging.rows import ACTIVE, CSO, HELD, LIVE, ProfileRow, ReportRow

log = get_logger(__name__)

# A station that reports ever new profiles is not followed beyond this.
MOST_LIVE = 500
# The next part comes within this time, or the report is incomplete.
PART_WAIT_US = 300 * SECOND_US


class AskProfiles(CommandHooks):
    """A request for a report. Where it has no number yet, a free one is written into it."""

    def __init__(self, *, sent: pb.GetChargingProfilesRequest) -> None:
        self._sent = sent

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """Parts may come before the answer does."""
        take = partial(allocation_store.take, connection, tenant_id=new.tenant_id, station_id=new.station_id)
        number = take(kind="charging_profile")
        if not self._sent.report_id:
            self._sent.report_id = take(kind="charging_profile_report")
        row = ReportRow(
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            report_id=self._sent.report_id,
            number=number,
            request=self._sent.SerializeToString(),
            due_us=max(now_us, new.deadline_us) + PART_WAIT_US,
        )
        report_store.add(connection, row)

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """A station that has no such profiles reports none; one that was not asked, or refused, neither."""
        row = report_store.find(connection, new.tenant_id, new.station_id, self._sent.report_id)
        if row is None or outcome_of(outcome) is Outcome.UNKNOWN:
            return
        if isinstance(outcome, pb.GetChargingProfilesResponse):
            if outcome.status == pb.GET_CHARGING_PROFILES_STATUS_ACCEPTED:
                return
            _complete(connection, row, now_us)
        else:
            report_store.remove(connection, row)


def record(connection: Connection, reports: Sequence[tuple[Frame, pb.ChargingProfileReport]]) -> None:
    """Parts of reports: the station holds what they have. See station_svc.feature.ReportHandler."""
    for frame, report in reports:
        # Taken first: from here on the numbers of the station's profiles are this transaction's.
        number = allocation_store.take(
            connection, tenant_id=frame.tenant_id, station_id=frame.station_id, kind="charging_profile"
        )
        live = store.live(connection, tenant_id=frame.tenant_id, station_id=frame.station_id)
        _record_part(connection, frame, report, live, number)
        row = report_store.find(connection, frame.tenant_id, frame.station_id, report.report_id)
        if row is None:
            continue
        if report.to_be_continued:
            report_store.count_part(connection, row, frame.receive_us + PART_WAIT_US)
        else:
            _complete(connection, row, frame.receive_us)


def _record_part(
    connection: Connection,
    frame: Frame,
    report: pb.ChargingProfileReport,
    live: Sequence[ProfileRow],
    number: int,
) -> None:
    changed: list[ProfileRow] = []
    added: list[ProfileRow] = []
    for profile in report.charging_profiles:
        known = _known(live, report.evse_id, profile)
        if known is not None:
            changed.append(known.reported(report.report_id, report.limit_source, frame.receive_us))
        elif _known(added, report.evse_id, profile) is None and len(live) + len(added) < MOST_LIVE:
            if added:
                number = allocation_store.take(
                    connection, tenant_id=frame.tenant_id, station_id=frame.station_id, kind="charging_profile"
                )
            added.append(_to_row(frame, report, profile, number))
    for row in added:
        store.add(connection, row)
    rules.record_changes(connection, live, changed)
    outbox.append(connection, map(rules.to_event, added))


def _known(rows: Iterable[ProfileRow], evse_id: int, profile: pb.ChargingProfile) -> ProfileRow | None:
    """The latest profile of this number that the station may hold there."""
    key = (evse_id, profile.charging_profile_id, profile.purpose)
    found = [row for row in rows if row.state in LIVE and (row.evse_id, row.profile_id, row.purpose) == key]
    return max(found, key=lambda row: row.number, default=None)


def _to_row(frame: Frame, report: pb.ChargingProfileReport, profile: pb.ChargingProfile, number: int) -> ProfileRow:
    return ProfileRow(
        tenant_id=frame.tenant_id,
        station_id=frame.station_id,
        number=number,
        evse_id=report.evse_id,
        profile_id=profile.charging_profile_id,
        purpose=profile.purpose,
        stack_level=profile.stack_level,
        transaction_id=without_nul(profile.transaction_id),
        state=ACTIVE,
        valid_to_us=from_timestamp(profile.valid_to) if profile.HasField("valid_to") else None,
        profile=profile.SerializeToString(),
        limit_source=report.limit_source,
        report_id=report.report_id,
        report_us=frame.receive_us,
        create_us=frame.receive_us,
        update_us=frame.receive_us,
    )


def _complete(connection: Connection, report: ReportRow, now_us: int) -> None:
    """The report is complete: profiles that it should have had, and has not, the station does not hold."""
    request = pb.GetChargingProfilesRequest.FromString(report.request)
    live = store.live(connection, tenant_id=report.tenant_id, station_id=report.station_id)
    missing = [
        row.missing(now_us)
        for row in live
        if row.state in HELD
        and row.doubt_us is None
        and row.number < report.number
        and row.report_id != report.report_id
        and _is_asked_for(request, row)
    ]
    rules.record_changes(connection, live, missing)
    report_store.remove(connection, report)


def _is_asked_for(request: pb.GetChargingProfilesRequest, row: ProfileRow) -> bool:
    criteria = request.criteria
    checks = (
        (request.HasField("evse"), row.evse_id == request.evse.evse_id),
        (bool(criteria.charging_profile_ids), row.profile_id in criteria.charging_profile_ids),
        (bool(criteria.purpose), row.purpose == criteria.purpose),
        (criteria.HasField("stack_level"), row.stack_level == criteria.stack_level),
        (bool(criteria.limit_sources), (row.limit_source or CSO) in criteria.limit_sources),
    )
    return all(is_met for is_given, is_met in checks if is_given)


def end_due(connection: Connection, *, now_us: int, limit: int) -> int:
    """Ends up to `limit` reports of which a part is missing; returns their number. What had come stays recorded."""
    rows = report_store.due(connection, now_us=now_us, limit=limit)
    for row in rows:
        report_store.remove(connection, row)
        log.warning("report of profiles incomplete", station_id=row.station_id, report_id=row.report_id)
    outbox.append(connection, (_incomplete(row) for row in rows))
    return len(rows)


def _incomplete(row: ReportRow) -> OutboxEvent:
    return OutboxEvent(
        event_id=f"charging_profile.report_incomplete:{row.station_id}:{row.report_id}:{row.due_us}",
        tenant_id=row.tenant_id,
        type="charging_profile.report_incomplete",
        station_id=row.station_id,
        event_time_us=row.due_us,
        data={"reportId": row.report_id, "partCount": row.part_count},
    )
