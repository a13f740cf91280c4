"""Events of stations' credentials."""

from mesh.events.outbox import OutboxEvent
from mesh.runtime.errors import MeshError


def credential_changed(*, tenant_id: str, station_id: str, pushed: bool, now_us: int) -> OutboxEvent:
    """A station has another credential; the former one has ended. `pushed`: it was delivered over its socket."""
    return OutboxEvent(
        event_id=f"station.credential_changed:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.credential_changed",
        station_id=station_id,
        event_time_us=now_us,
        data={"pushed": pushed},
    )


def credential_not_taken(*, tenant_id: str, station_id: str, error: MeshError, now_us: int) -> OutboxEvent:
    """A station was accepted, and did not accept its first credential: any client with its id can connect as it."""
    return OutboxEvent(
        event_id=f"station.credential_not_taken:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.credential_not_taken",
        station_id=station_id,
        event_time_us=now_us,
        data={"reason": error.reason, "message": error.message},
    )


def credential_failed(
    *, tenant_id: str, station_id: str, count: int, total: int, address: str, reason: str, now_us: int
) -> OutboxEvent:
    """Handshakes in a station's name were refused: `count` since the last such event. `reason` is of the last one."""
    return OutboxEvent(
        event_id=f"station.credential_failed:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.credential_failed",
        station_id=station_id,
        event_time_us=now_us,
        data={"count": count, "total": total, "remoteAddress": address, "reason": reason},
    )
