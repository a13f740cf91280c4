"""Reports about a session, sent now and then: when its station was last seen, its quirks, its conditions."""

from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.connection.session import Session
from gateway.connection.station_reports import BOOT_REFUSED
from mesh.runtime.times import to_timestamp


def has_news(session: Session) -> bool:
    """Whether there is anything to report beside the time when the station was seen."""
    reports = session.reports
    return bool(reports.quirks or reports.changed(session.conditions()))


def take_last_seen(session: Session, now_us: int) -> ingest.Sighting:
    """The report about a session; quirks and conditions are reported once."""
    reports = [
        ingest.ConditionReport(
            type=kind,
            size=size,
            report_time=to_timestamp(now_us),
            reason=session.registration.boot_watch.reason if kind == BOOT_REFUSED else "",
        )
        for kind, size in session.reports.take_changed(session.conditions()).items()
    ]
    return ingest.Sighting(
        tenant_id=session.connection.tenant_id,
        station_id=session.connection.station_id,
        seen_time=to_timestamp(session.liveness.last_seen_us),
        quirks=session.take_quirks(),
        conditions=reports,
    )
