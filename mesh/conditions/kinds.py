"""The kinds of conditions: the service that finds each, its severity, and the permission that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from csms.condition.v1 import condition_pb2 as pb
from csms.options.v1 import options_pb2

NOTICE = pb.CONDITION_SEVERITY_NOTICE
WARNING = pb.CONDITION_SEVERITY_WARNING
CRITICAL = pb.CONDITION_SEVERITY_CRITICAL


@dataclass(frozen=True, kw_only=True)
class KindRule:
    """One kind. `of_tenant`: it is shown to callers alone whose permission covers the whole tenant."""

    source: str
    severity: pb.ConditionSeverity.ValueType
    permission: options_pb2.Permission.ValueType = options_pb2.PERMISSION_STATIONS_READ
    of_tenant: bool = False


_TRANSACTIONS, _QUARANTINE = options_pb2.PERMISSION_TRANSACTIONS_READ, options_pb2.PERMISSION_QUARANTINE_READ
_TOKENS, _CERTIFICATES = options_pb2.PERMISSION_ID_TOKENS_READ, options_pb2.PERMISSION_ISSUED_CERTIFICATES_READ

KINDS: Mapping[pb.ConditionKind.ValueType, KindRule] = {
    pb.CONDITION_KIND_STATION_OFFLINE: KindRule(source="station", severity=CRITICAL),
    pb.CONDITION_KIND_CONNECTOR_FAULTED: KindRule(source="station", severity=CRITICAL),
    pb.CONDITION_KIND_BOOT_REFUSED: KindRule(source="station", severity=CRITICAL),
    pb.CONDITION_KIND_ALARM_OPEN: KindRule(
        source="station", severity=CRITICAL, permission=options_pb2.PERMISSION_ALARMS_READ
    ),
    pb.CONDITION_KIND_STATION_PENDING: KindRule(source="station", severity=WARNING),
    pb.CONDITION_KIND_STATION_UNRESPONSIVE: KindRule(source="station", severity=WARNING),
    pb.CONDITION_KIND_CREDENTIAL_REFUSED: KindRule(source="station", severity=WARNING),
    pb.CONDITION_KIND_CLOCK_SKEWED: KindRule(source="station", severity=NOTICE),
    pb.CONDITION_KIND_TRANSACTION_HANGING: KindRule(source="transaction", severity=WARNING, permission=_TRANSACTIONS),
    pb.CONDITION_KIND_MESSAGE_QUARANTINED: KindRule(source="transaction", severity=WARNING, permission=_QUARANTINE),
    pb.CONDITION_KIND_ENERGY_DOUBTED: KindRule(source="transaction", severity=NOTICE, permission=_TRANSACTIONS),
    pb.CONDITION_KIND_CERTIFICATE_EXPIRED: KindRule(
        source="auth", severity=CRITICAL, permission=_CERTIFICATES, of_tenant=True
    ),
    pb.CONDITION_KIND_CERTIFICATE_EXPIRING: KindRule(
        source="auth", severity=WARNING, permission=_CERTIFICATES, of_tenant=True
    ),
    pb.CONDITION_KIND_ID_TOKEN_UNKNOWN: KindRule(source="auth", severity=NOTICE, permission=_TOKENS, of_tenant=True),
}

SOURCES = tuple(sorted({rule.source for rule in KINDS.values()}))
"""The services that find conditions."""
