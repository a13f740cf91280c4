"""Events of rollouts."""

from typing import Any

from csms.station.v1 import rollout_service_pb2

from mesh.events.outbox import OutboxEvent
from mesh.runtime.errors import MeshError
from station_svc.rollouts.rows import RolloutRow, RolloutState, TargetState


def created(row: RolloutRow) -> OutboxEvent:
    """A rollout was created."""
    return OutboxEvent(
        event_id=f"rollout.created:{row.rollout_id}",
        tenant_id=row.tenant_id,
        type="rollout.created",
        station_id="",
        event_time_us=row.create_us,
        data={
            "rolloutId": row.rollout_id,
            "displayName": row.display_name,
            "kind": row.kind,
            "stations": row.total,
            "username": row.username,
        },
    )


def state_changed(row: RolloutRow, now_us: int) -> OutboxEvent:
    """A rollout began, was paused, resumed or stopped, or has ended."""
    data: dict[str, Any] = {
        "rolloutId": row.rollout_id,
        "state": rollout_service_pb2.RolloutState.Name(_rollout_state(row.state)),
        "succeeded": row.succeeded,
        "failed": row.failed,
        "skipped": row.skipped,
        "cancelled": row.cancelled,
    }
    if row.stop_reason:
        reason = rollout_service_pb2.RolloutStopReason.ValueType(row.stop_reason)
        data["stopReason"] = rollout_service_pb2.RolloutStopReason.Name(reason)
    return OutboxEvent(
        event_id=f"rollout.state_changed:{row.rollout_id}:{int(row.state)}:{now_us}",
        tenant_id=row.tenant_id,
        type="rollout.state_changed",
        station_id="",
        event_time_us=now_us,
        data=data,
    )


def target_changed(
    row: RolloutRow, station_id: str, state: TargetState, error: MeshError | None, now_us: int
) -> OutboxEvent:
    """A rollout began at a station, or has come to its end there."""
    number = rollout_service_pb2.RolloutTargetState.ValueType(state)
    data = {"rolloutId": row.rollout_id, "state": rollout_service_pb2.RolloutTargetState.Name(number)}
    if error is not None:
        data |= {"reason": error.reason, "message": error.message}
    return OutboxEvent(
        event_id=f"rollout.target_changed:{row.rollout_id}:{station_id}:{int(state)}",
        tenant_id=row.tenant_id,
        type="rollout.target_changed",
        station_id=station_id,
        event_time_us=now_us,
        data=data,
    )


def _rollout_state(state: RolloutState) -> rollout_service_pb2.RolloutState.ValueType:
    return rollout_service_pb2.RolloutState.ValueType(state)
