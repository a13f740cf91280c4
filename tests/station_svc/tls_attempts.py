"""Connection attempts over TLS, with and without a certificate, as gateways report them once auth_svc checked it."""

from typing import Any

import grpc
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.station.v1 import certificate_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from sqlalchemy import Connection, insert

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import to_timestamp
from station_svc.features.certificates.models import certificate_request
from tests.station_svc.conftest import StationSystem, attempt

VERSION, SUITE = "TLSv1.3", "TLS_AES_128_GCM_SHA256"
DAY_US = 86_400_000_000


def over_tls(station_id: str, **more: Any) -> ingest_pb2.OpenConnectionItem:
    """An attempt over TLS, without a certificate."""
    item = attempt(station_id, **more)
    item.tls.version, item.tls.cipher_suite = VERSION, SUITE
    return item


def behind_terminator(station_id: str, **more: Any) -> ingest_pb2.OpenConnectionItem:
    """An attempt whose TLS ends in front, at a terminator that is not of this system."""
    item = attempt(station_id, **more)
    item.tls.SetInParent()
    return item


def by_certificate(
    station_id: str,
    common_name: str,
    *,
    expire_us: int,
    serial_number: str = "AB12",
    issue_us: int | None = None,
    **more: Any,
) -> ingest_pb2.OpenConnectionItem:
    """An attempt with a certificate of this common name; `issue_us`: when auth_svc signed it, None: another did."""
    item = over_tls(station_id, **more)
    shown = item.tls.client_certificate
    shown.common_name, shown.serial_number, shown.fingerprint = common_name, serial_number, "f" * 64
    shown.issuer = "CN=Root"
    shown.expire_time.CopyFrom(to_timestamp(expire_us))
    if issue_us is not None:
        shown.issue_time.CopyFrom(to_timestamp(issue_us))
    return item


def by_faulty_certificate(station_id: str, reason: Reason, **more: Any) -> ingest_pb2.OpenConnectionItem:
    """An attempt with a certificate in which auth_svc found a fault."""
    item = over_tls(station_id, **more)
    fault = MeshError(grpc.StatusCode.UNAUTHENTICATED, reason, "the station's certificate: of the test")
    item.tls.certificate_error.CopyFrom(fault.to_status())
    return item


async def sign_for(
    system: StationSystem,
    station_id: str,
    serial_number: str = "AB12",
    *,
    expire_us: int | None = None,
    use: int = common_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE,
    state: int = certificate_pb2.CERTIFICATE_REQUEST_STATE_DELIVERED,
) -> None:
    """A certificate that this system signed for a station, which took it; one of a year where no end is given."""
    now_us = system.clock()
    values = {
        "tenant_id": "default",
        "station_id": station_id,
        "epoch": 1,
        "ordinal": 1,
        "receive_us": now_us,
        "update_us": now_us,
        "certificate_type": use,
        "state": state,
        "serial_number": serial_number,
        "expire_us": now_us + 365 * DAY_US if expire_us is None else expire_us,
    }

    def add(connection: Connection) -> None:
        connection.execute(insert(certificate_request).values(values))

    await system.database.write(add)
