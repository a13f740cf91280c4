"""Boots of stations as one transaction: each is held against the certificate of its connection, then recorded."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import grpc
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core.profiles import is_named_by
from station_svc.core.reports import Boot
from station_svc.core.socket_store import open_sockets
from station_svc.feature import BootHandler
from station_svc.ingest import boot_store, events, version_store
from station_svc.ingest.certificate_store import ShownCertificate, find_certificates
from station_svc.ingest.rows import Booted, WrongSerialNumber
from station_svc.ingest.version_changes import VersionChanges

Outcome = Booted | WrongSerialNumber | MeshError


def record(
    connection: Connection,
    boots: Sequence[Boot],
    *,
    now_us: int,
    followers: Iterable[BootHandler],
    versions: VersionChanges,
) -> list[Outcome]:
    """Records boots, with all that follows them; for each, what the station is answered, or why it is not.

    A boot whose serial number is not the certificate's changes nothing: B01.FR.11 and .12 of 2.0.1.
    """
    certificates = find_certificates(connection, boots)
    checked = [_checked(connection, boot, certificates.get(boot.frame.epoch), now_us) for boot in boots]
    genuine = [one for one in checked if isinstance(one, Boot)]
    results = iter(_record(connection, genuine, now_us, followers, versions))
    wrong = [one for one in checked if isinstance(one, WrongSerialNumber)]
    outbox.append(connection, [events.serial_number_wrong(one) for one in wrong])
    return [next(results) if isinstance(one, Boot) else one for one in checked]


def _record(
    connection: Connection,
    boots: Sequence[Boot],
    now_us: int,
    followers: Iterable[BootHandler],
    versions: VersionChanges,
) -> Sequence[Booted | MeshError]:
    changes = version_store.find_changes(connection, boots)
    results = boot_store.record_boots(connection, boots, now_us)
    recorded = [boot for boot, result in zip(boots, results, strict=True) if not isinstance(result, MeshError)]
    for follow in followers:
        follow(connection, recorded)
    if changes:
        outbox.append(connection, map(events.version_changed, changes))
        versions.queue(connection, changes)
    return results


def _checked(
    connection: Connection, boot: Boot, certificate: ShownCertificate | None, now_us: int
) -> Boot | WrongSerialNumber:
    """The boot as it is recorded: one that states no serial number has that of its certificate."""
    if certificate is None:
        return boot
    stated = frozenset({boot.identity["serial_number"], boot.identity["charge_box_serial_number"]} - {""})
    fault = _fault(boot.frame.station_id, stated, certificate)
    if fault:
        return WrongSerialNumber(
            frame=boot.frame,
            common_name=certificate.common_name,
            serial_number=boot.identity["serial_number"] or boot.identity["charge_box_serial_number"],
            error=MeshError(grpc.StatusCode.PERMISSION_DENIED, Reason.SERIAL_NUMBER_WRONG, fault),
            sockets=open_sockets(connection, boot.frame.epoch, now_us),
        )
    if stated or certificate.common_name == boot.frame.station_id:
        return boot
    return replace(boot, identity={**boot.identity, "serial_number": certificate.common_name})


def _fault(station_id: str, stated: Collection[str], certificate: ShownCertificate) -> str:
    """Why the serial numbers that a boot states are not the station's; empty where they are, or it states none."""
    if not is_named_by(
        certificate.common_name,
        station_id=station_id,
        serial_numbers=stated or {certificate.common_name},
        is_signed_here=certificate.is_signed_here,
    ):
        named = certificate.common_name[:100]
        return f"the serial number is not that of this connection's certificate, which is {named!r}"
    expected = certificate.expected_serial_number
    if expected and stated and expected not in stated:
        return f"the serial number is not the one that an operator stated, which is {expected!r}"
    return ""
