"""The event of a station's local list."""

from typing import Any

from mesh.events.outbox import OutboxEvent
from mesh.runtime.errors import MeshError


def local_list_ended(
    *,
    tenant_id: str,
    station_id: str,
    job_id: str,
    request_id: str,
    version: int | None,
    error: MeshError | None,
    now_us: int,
) -> OutboxEvent:
    """A station's local list is in line with the id tokens, or the attempt was given up."""
    data: dict[str, Any] = {"requestId": request_id}
    if error is not None:
        data |= {"reason": error.reason, "message": error.message}
    elif version is not None:
        data["versionNumber"] = version
    kind = "station.local_list_synced" if error is None else "station.local_list_failed"
    return OutboxEvent(
        event_id=f"{kind}:{job_id}",
        tenant_id=tenant_id,
        type=kind,
        station_id=station_id,
        event_time_us=now_us,
        data=data,
    )
