"""What is told of a session now and then: when its station was last seen, what was odd, what is wrong with it."""

from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.connection.session import BOOT_REFUSED, Session
from mesh.times import to_timestamp


def has_news(session: Session) -> bool:
    """Whether there is anything to tell beside that the station was seen."""
    return bool(session.quirks or session.conditions())


def take_last_seen(session: Session, now_us: int) -> ingest.Sighting:
    """What is to be told of a session; it is told once."""
    reports = [
        ingest.ConditionReport(
            type=kind,
            size=size,
            report_time=to_timestamp(now_us),
            reason=session.inbound.boot_watch.reason if kind == BOOT_REFUSED else "",
        )
        for kind, size in session.take_conditions().items()
    ]
    return ingest.Sighting(
        tenant_id=session.connection.tenant_id,
        station_id=session.connection.station_id,
        seen_time=to_timestamp(session.last_seen_us),
        quirks=session.take_quirks(),
        conditions=reports,
    )
