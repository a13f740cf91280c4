"""Stations as the contract has them."""

from csms.station.v1 import station_pb2, station_service_pb2

from mesh.runtime.times import to_timestamp
from station_svc.api.summary_store import Summary
from station_svc.core.digests import HASH, WEAK
from station_svc.core.station_rows import (
    ConditionRow,
    ConnectionRow,
    ConnectorRow,
    FailureRow,
    StationRow,
    TlsEnd,
)


def to_station(row: StationRow) -> station_pb2.Station:
    """A station as operators see it."""
    station = station_pb2.Station(
        station_id=row.station_id,
        registration_status=station_pb2.RegistrationStatus.ValueType(row.registration_status),
        connected=row.connected,
        boot_reason=station_pb2.BootReason.ValueType(row.boot_reason),
        security_profile=row.security_profile,
        next_security_profile=row.next_security_profile,
        pinned_ocpp_version=row.pinned_ocpp_version,
        expected_serial_number=row.expected_serial_number,
        confirmed_serial_number=row.confirmed_serial_number,
        evses=_to_evses(row),
        display_name=row.display_name,
        quirks=row.quirks,
        conditions=map(_to_condition, row.conditions),
        credential_state=station_pb2.CredentialState.ValueType(row.credential_state),
        credential_reason=row.credential_reason,
        credential_strength=to_strength(row.credential_salt, has_credential=row.has_credential),
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
        site_id=row.site_id,
        labels=row.labels,
    )
    if row.failures is not None:
        station.credential_failures.CopyFrom(_to_failures(row.failures))
    if row.boot_us is not None:
        station.identity.CopyFrom(station_pb2.StationIdentity(**row.identity))
        station.last_boot_time.CopyFrom(to_timestamp(row.boot_us))
    if row.connection is not None:
        station.connection.CopyFrom(_to_connection(row.connection))
    if row.seen_us is not None:
        station.last_seen_time.CopyFrom(to_timestamp(row.seen_us))
    return station


def to_summary(counted: Summary) -> station_service_pb2.StationSummary:
    """Numbers of stations and connectors as operators see them."""
    summary = station_service_pb2.StationSummary(
        station_count=counted.stations,
        connected_count=counted.connected,
        never_connected_count=counted.never_connected,
        pending_count=counted.pending,
    )
    for status, (connected, disconnected) in sorted(counted.connectors.items()):
        summary.connectors.add(
            status=station_pb2.ConnectorStatus.ValueType(status),
            connected_count=connected,
            disconnected_count=disconnected,
        )
    return summary


_STRENGTHS = {WEAK: station_pb2.CREDENTIAL_STRENGTH_WEAK, HASH: station_pb2.CREDENTIAL_STRENGTH_UNKNOWN}


def to_strength(salt: str, *, has_credential: bool) -> station_pb2.CredentialStrength.ValueType:
    """Resistance of a credential against guessing, by its stored form."""
    if not has_credential:
        return station_pb2.CREDENTIAL_STRENGTH_UNSPECIFIED
    return _STRENGTHS.get(salt, station_pb2.CREDENTIAL_STRENGTH_STRONG)


def _to_failures(row: FailureRow) -> station_pb2.CredentialFailures:
    return station_pb2.CredentialFailures(
        count=row.count,
        last_time=to_timestamp(row.last_us),
        last_address=row.last_address,
        last_reason=row.last_reason,
    )


def _to_connection(row: ConnectionRow) -> station_pb2.Connection:
    return station_pb2.Connection(
        epoch=row.epoch,
        ocpp_version=row.ocpp_version,
        node_id=row.node_id,
        remote_address=row.remote_address,
        connect_time=to_timestamp(row.connect_us),
        disconnect_time=None if row.disconnect_us is None else to_timestamp(row.disconnect_us),
        tls=None if row.tls == TlsEnd.NONE else _to_tls(row),
    )


def _to_tls(row: ConnectionRow) -> station_pb2.ConnectionTls:
    return station_pb2.ConnectionTls(
        version=row.tls_version,
        cipher_suite=row.cipher_suite,
        ends_in_front=row.tls == TlsEnd.IN_FRONT,
        client_certificate=_to_certificate(row) if row.certificate_fingerprint else None,
    )


def _to_certificate(row: ConnectionRow) -> station_pb2.ConnectionCertificate:
    return station_pb2.ConnectionCertificate(
        common_name=row.certificate_common_name,
        serial_number=row.certificate_serial_number,
        fingerprint=row.certificate_fingerprint,
        issuer=row.certificate_issuer,
        expire_time=None if row.certificate_expire_us is None else to_timestamp(row.certificate_expire_us),
    )


def _to_evses(row: StationRow) -> list[station_pb2.Evse]:
    evses: dict[int, station_pb2.Evse] = {}
    for connector in row.connectors:
        evse = evses.setdefault(connector.evse_id, station_pb2.Evse(evse_id=connector.evse_id))
        evse.connectors.append(_to_connector(connector))
    return list(evses.values())


def _to_connector(row: ConnectorRow) -> station_pb2.Connector:
    return station_pb2.Connector(
        connector_id=row.connector_id,
        status=station_pb2.ConnectorStatus.ValueType(row.status),
        reported_status=row.reported_status,
        error_code=row.error_code,
        status_time=to_timestamp(row.status_us),
    )


def _to_condition(row: ConditionRow) -> station_pb2.StationCondition:
    condition = station_pb2.StationCondition(
        type=station_pb2.StationConditionType.ValueType(row.kind),
        begin_time=to_timestamp(row.begin_us),
        update_time=to_timestamp(row.update_us),
    )
    if row.kind == station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW:
        condition.clock_skew_s = row.size
    elif row.kind == station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE:
        condition.unanswered_calls = row.size
    elif row.kind == station_pb2.STATION_CONDITION_TYPE_BOOT_REFUSED:
        condition.refused_boots = row.size
        condition.reason = row.reason
    return condition
