"""Events of certificates: requests of stations, and roots of the server."""

from csms.station.v1 import certificate_pb2

from mesh.events.outbox import OutboxEvent
from station_svc.core.names import name_of
from station_svc.features.certificates.root_hashes import Root
from station_svc.features.certificates.root_store import Coverage
from station_svc.features.certificates.rows import CertificateRequestRow


def certificate_request(row: CertificateRequestRow, now_us: int) -> OutboxEvent:
    """A request for a certificate came, or went a step further."""
    frame, state = row.frame, name_of(certificate_pb2.CertificateRequestState.Name, row.state)
    return OutboxEvent(
        event_id=f"station.certificate_request:{frame.epoch}:{frame.ordinal}:{row.state.value}",
        tenant_id=frame.tenant_id,
        type="station.certificate_request",
        station_id=frame.station_id,
        event_time_us=now_us,
        data={
            "state": state,
            "reason": row.reason,
            "csrSha256": row.csr_sha256,
            "serialNumber": row.serial_number,
        },
    )


def root_adopted(*, tenant_id: str, root: Root, coverage: Coverage, now_us: int) -> OutboxEvent:
    """An operator adopted a root of the server; so many stations held it."""
    return OutboxEvent(
        event_id=f"server_root.adopted:{tenant_id}:{root.fingerprint}:{now_us}",
        tenant_id=tenant_id,
        type="server_root.adopted",
        station_id="",
        event_time_us=now_us,
        data={
            "fingerprint": root.fingerprint,
            "subject": root.subject,
            "stations": coverage.stations,
            "holding": coverage.holding,
        },
    )
