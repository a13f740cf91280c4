"""The charging profiles that stations hold follow what is sent to them, what they answer, and the time."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1 import charging_profile_service_pb2 as service_pb
from csms.station.v1 import command_service_pb2
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.contract.texts import without_nul
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.errors import MeshError
from mesh.runtime.times import from_timestamp
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.outcomes import Outcome, outcome_of, reason_code_of
from station_svc.commands.rows import NewCommand
from station_svc.core import allocation_store
from station_svc.core.names import name_of
from station_svc.core.reports import Status
from station_svc.core.rows import AVAILABLE, Frame
from station_svc.features.smart_charging import store
from station_svc.features.smart_charging.rows import (
    ACTIVE,
    CLEARED,
    CSO,
    EXPIRED,
    REJECTED,
    REPLACED,
    REQUESTED,
    UNKNOWN,
    Criteria,
    ProfileRow,
    mark_unknown_after,
    resolve,
)

# Times that a bigint of microseconds holds; the gateway refuses those beyond the year 9999.
_MOST_S = 253_402_300_799


class SetProfile(CommandHooks):
    """A profile on its way to a station, alone or with a requested start.

    `profile` is the one in the message that is sent: where it has no number yet, a free one is written into it.
    """

    def __init__(self, *, evse_id: int, profile: pb.ChargingProfile) -> None:
        self._evse_id = evse_id
        self._profile = profile
        self._given_id = profile.charging_profile_id
        self._number = 0

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """It is requested; the state of profiles that it would replace is not known. Only its outcome is published."""
        take = partial(allocation_store.take, connection, tenant_id=new.tenant_id, station_id=new.station_id)
        # Taken first: from here on the numbers of the station's profiles are this transaction's.
        self._number = take(kind="charging_profile")
        live = store.live(connection, tenant_id=new.tenant_id, station_id=new.station_id)
        if not self._given_id:
            taken = {row.profile_id for row in live}
            self._profile.charging_profile_id = take(kind="charging_profile_id", in_use=taken)
        row = self._to_row(new, now_us)
        store.add(connection, row)
        store.save(connection, mark_unknown_after(live, row.is_in_place_of, new.deadline_us))

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Its state, and that of the profiles that it replaced, follow the station's answer."""
        live = store.live(connection, tenant_id=new.tenant_id, station_id=new.station_id)
        row = next((row for row in live if row.number == self._number), None)
        if row is None:  # the station was removed meanwhile
            return
        state, others = _after(outcome)
        changed = resolve(live, row.is_in_place_of, now_us, others)
        if state is None:
            store.remove(connection, row)
        else:
            changed.append(row.with_state(state, now_us, reason_code_of(outcome)))
        record_changes(connection, live, changed)

    def _to_row(self, new: NewCommand, now_us: int) -> ProfileRow:
        profile = self._profile
        bounded = profile.HasField("valid_to") and abs(profile.valid_to.seconds) <= _MOST_S
        return ProfileRow(
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            number=self._number,
            evse_id=self._evse_id,
            profile_id=profile.charging_profile_id,
            purpose=profile.purpose,
            stack_level=profile.stack_level,
            transaction_id=without_nul(profile.transaction_id),
            state=REQUESTED,
            valid_to_us=from_timestamp(profile.valid_to) if bounded else None,
            doubt_us=new.deadline_us,
            profile=profile.SerializeToString(),
            create_us=now_us,
            update_us=now_us,
        )


def _after(outcome: Message | MeshError) -> tuple[int | None, int | None]:
    """The state of a profile after it was sent, None where it was not; and of those that it replaces, if any."""
    kind = outcome_of(outcome)
    if kind is Outcome.UNSENT:
        return None, None
    if kind is Outcome.UNKNOWN:
        return UNKNOWN, UNKNOWN
    return (ACTIVE, REPLACED) if _is_taken(outcome) else (REJECTED, None)


def _is_taken(outcome: Message | MeshError) -> bool:
    if isinstance(outcome, command_service_pb2.RequestStartTransactionResponse):
        return outcome.status == command_service_pb2.REQUEST_START_STOP_STATUS_ACCEPTED
    return isinstance(outcome, pb.SetChargingProfileResponse) and outcome.status == pb.CHARGING_PROFILE_STATUS_ACCEPTED


def to_criteria(request: pb.ClearChargingProfileRequest) -> Criteria:
    """Criteria of the profiles that a request clears."""
    criteria = request.criteria
    return Criteria(
        profile_id=request.charging_profile_id if request.HasField("charging_profile_id") else None,
        evse_id=criteria.evse_id if criteria.HasField("evse_id") else None,
        purpose=criteria.purpose or None,
        stack_level=criteria.stack_level if criteria.HasField("stack_level") else None,
    )


class ClearProfiles(CommandHooks):
    """A request to clear profiles."""

    def __init__(self, *, criteria: Criteria) -> None:
        self._criteria = criteria

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """The profiles that it would clear are unknown unless the outcome comes."""
        del now_us
        live = store.live(connection, tenant_id=new.tenant_id, station_id=new.station_id)
        store.save(connection, mark_unknown_after(live, self._criteria.match, new.deadline_us))

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """They are cleared, or as they were; it is unknown where there is no answer, or the station holds none such."""
        live = store.live(connection, tenant_id=new.tenant_id, station_id=new.station_id)
        kind = outcome_of(outcome)
        state: int | None = None
        if kind is Outcome.UNKNOWN:
            state = UNKNOWN
        elif isinstance(outcome, pb.ClearChargingProfileResponse):
            state = CLEARED if outcome.status == pb.CLEAR_CHARGING_PROFILE_STATUS_ACCEPTED else UNKNOWN
        record_changes(connection, live, resolve(live, self._criteria.match, now_us, state))


def record_transaction_ends(connection: Connection, reports: Sequence[tuple[Frame, pb.TransactionEnd]]) -> None:
    """TX profiles end with their transactions. See station_svc.feature.ReportHandler."""
    ended = {(*frame.station, end.transaction_id): frame.receive_us for frame, end in reports}
    rows = store.of_transactions(connection, ended)
    over = [row.with_state(EXPIRED, ended[row.tenant_id, row.station_id, row.transaction_id]) for row in rows]
    record_changes(connection, rows, over)


def follow_statuses(connection: Connection, statuses: Iterable[Status]) -> None:
    """Ends TX profiles where an EVSE becomes available: no transaction can be ongoing there."""
    freed = {
        (*status.frame.station, status.evse_id): status.frame.receive_us
        for status in statuses
        if status.status == AVAILABLE and status.evse_id
    }
    end_at(connection, freed)


def end_at(connection: Connection, freed: Mapping[tuple[str, str, int], int]) -> None:
    """Ends the TX profiles that were set before these EVSEs (tenant, station, EVSE: when) became available."""
    if not freed:
        return
    rows = store.at_evses(connection, freed)
    over = []
    for row in rows:
        moment_us = freed[row.tenant_id, row.station_id, row.evse_id]
        if row.create_us < moment_us:
            over.append(row.with_state(EXPIRED, moment_us))
    record_changes(connection, rows, over)


def end_due(connection: Connection, *, now_us: int, limit: int) -> int:
    """Changes up to `limit` profiles that are due by time; returns their number."""
    rows = store.due(connection, now_us=now_us, limit=limit)
    record_changes(connection, rows, [row.after(now_us) for row in rows])
    return len(rows)


def record_changes(connection: Connection, before: Iterable[ProfileRow], changed: Sequence[ProfileRow]) -> None:
    """Writes profiles that were read in the same transaction, and publishes the states that have changed."""
    states = {(row.tenant_id, row.station_id, row.number): row.state for row in before}
    store.save(connection, changed)
    news = [row for row in changed if states[row.tenant_id, row.station_id, row.number] != row.state]
    outbox.append(connection, map(to_event, news))


def to_event(row: ProfileRow) -> OutboxEvent:
    """A profile has this state from now on."""
    word = service_pb.ChargingProfileState.Name(service_pb.ChargingProfileState.ValueType(row.state))
    kind = "charging_profile." + word.removeprefix("CHARGING_PROFILE_STATE_").lower()
    return OutboxEvent(
        event_id=f"{kind}:{row.station_id}:{row.number}:{row.update_us}",
        tenant_id=row.tenant_id,
        type=kind,
        station_id=row.station_id,
        event_time_us=row.update_us,
        data={
            "chargingProfileId": row.profile_id,
            "evseId": row.evse_id,
            "purpose": name_of(pb.ChargingProfilePurpose.Name, row.purpose),  # what an operator gave may be no purpose
            "stackLevel": row.stack_level,
            "transactionId": row.transaction_id,
            "reasonCode": row.reason_code,
            "limitSource": name_of(pb.ChargingLimitSource.Name, row.limit_source or CSO),
        },
    )
