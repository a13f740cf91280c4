"""Events of the outbox that several parts append. Details have the contract's JSON and enum names.

An event's id is derived from its content, so that a change that is ingested twice has one event.
"""

from collections.abc import Mapping

from csms.station.v1 import station_pb2

from mesh.events.outbox import OutboxEvent
from station_svc.core.names import name_of
from station_svc.core.rows import Frame


def created(*, tenant_id: str, station_id: str, registration_status: int, onboarded: bool, now_us: int) -> OutboxEvent:
    """A station was added, by an operator or because it connected."""
    return OutboxEvent(
        event_id=f"station.created:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.created",
        station_id=station_id,
        event_time_us=now_us,
        data={"registrationStatus": registration_name(registration_status), "onboarded": onboarded},
    )


def updated(*, tenant_id: str, station_id: str, registration_status: int, now_us: int) -> OutboxEvent:
    """An operator changed a station."""
    return OutboxEvent(
        event_id=f"station.updated:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.updated",
        station_id=station_id,
        event_time_us=now_us,
        data={"registrationStatus": registration_name(registration_status)},
    )


def moved(
    *, tenant_id: str, station_id: str, site_id: str, former_site_id: str, version: int, now_us: int
) -> OutboxEvent:
    """A station stands in another site, or in none; `version` is that of its place."""
    return OutboxEvent(
        event_id=f"station.moved:{station_id}:{version}",
        tenant_id=tenant_id,
        type="station.moved",
        station_id=station_id,
        event_time_us=now_us,
        data={"siteId": site_id, "formerSiteId": former_site_id},
    )


def deleted(*, tenant_id: str, station_id: str, now_us: int) -> OutboxEvent:
    """An operator removed a station."""
    return OutboxEvent(
        event_id=f"station.deleted:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.deleted",
        station_id=station_id,
        event_time_us=now_us,
    )


def registration_name(status: int) -> str:
    """The contract's name of a registration status."""
    return name_of(station_pb2.RegistrationStatus.Name, status)


def of_frame(kind: str, frame: Frame, data: Mapping[str, str | int]) -> OutboxEvent:
    """An event of a frame; a frame that is ingested twice has one event."""
    return OutboxEvent(
        event_id=f"{kind}:{frame.epoch}:{frame.ordinal}",
        tenant_id=frame.tenant_id,
        type=kind,
        station_id=frame.station_id,
        event_time_us=frame.receive_us,
        data=data,
    )
