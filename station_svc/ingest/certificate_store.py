"""The SQL of the certificates by which stations connected, for their boots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.models import station_connection
from station_svc.core.own_certificates import is_current
from station_svc.core.profiles import BY_CERTIFICATE
from station_svc.core.reports import Boot

_SHOWN = RowStatement(
    f"""
    SELECT connection.epoch, connection.certificate_common_name, connection.certificate_issue_us,
      station.security_profile, station.create_us, station.certificates_from_us, station.expected_serial_number
    FROM {{rows}}
    JOIN connection ON connection.epoch = rows.epoch AND connection.tenant_id = rows.tenant_id
      AND connection.station_id = rows.station_id AND connection.certificate_fingerprint <> ''
    JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
      AND station.security_profile = {BY_CERTIFICATE}
    """,  # noqa: S608 - a number
    **columns_of(station_connection, "tenant_id", "station_id", "epoch"),
)


@dataclass(frozen=True, kw_only=True)
class ShownCertificate:
    """The certificate of a connection by which its station proved itself."""

    common_name: str
    is_signed_here: bool  # by this system, for this station as it is now
    expected_serial_number: str  # the station's, by an operator's word; empty where nobody has said so


def find_certificates(connection: Connection, boots: Sequence[Boot]) -> Mapping[int, ShownCertificate]:
    """The certificates of stations of security profile 3, by the epochs of these boots."""
    rows = [
        {"tenant_id": one.frame.tenant_id, "station_id": one.frame.station_id, "epoch": one.frame.epoch}
        for one in boots
    ]
    return {
        row.epoch: ShownCertificate(
            common_name=row.certificate_common_name,
            is_signed_here=is_current(row.certificate_issue_us, row),
            expected_serial_number=row.expected_serial_number,
        )
        for row in _SHOWN.run(connection, rows)
    }
