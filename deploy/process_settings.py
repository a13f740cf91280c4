"""The settings that each process reads, and so the only ones that it is given: a secret of one is not in another.

tests/local_run/test_process_settings.py holds the table against the settings that processes read.
"""

from collections.abc import Mapping

_EVERY = {
    *("CSMS_LIFELINE", "CSMS_LOG_LEVEL"),
    *("CSMS_MESH_KEY_FILE", "CSMS_MESH_PUBLIC_KEYS", "CSMS_MESH_SECRET"),
    *("CSMS_AUTH_ADDRESS", "CSMS_FRONT_DOOR_SECRET_FILE"),
}
_LIMITS = {
    *("CSMS_CALLS_PER_CALLER_S", "CSMS_CALLS_PER_TENANT_S", "CSMS_CONCURRENT_CALLS_PER_CALLER"),
    *("CSMS_STREAMS_PER_CALLER", "CSMS_STREAMS_PER_TENANT", "CSMS_STREAMS"),
}
_SERVICE = (
    _EVERY
    | _LIMITS
    | {
        *("CSMS_AUTO_MIGRATE", "CSMS_DATABASE_URL", "CSMS_DATA_DIR", "CSMS_NOTIFICATION_ADDRESS"),
        *("CSMS_REFLECTION", "CSMS_REFLECTION_OPEN", "CSMS_AUDIT_RETENTION_DAYS"),
        "CSMS_SIMULATOR_OPERATOR_ADDRESS",
    }
)
_OUTBOX = {"CSMS_OUTBOX_RETENTION_DAYS"}
_OWN: Mapping[str, set[str]] = {
    "station": _OUTBOX
    | {
        *("CSMS_HOST", "CSMS_ONBOARDING", "CSMS_TRANSACTION_ADDRESS", "CSMS_NODE_LEASE_S"),
        *("CSMS_OFFLINE_AFTER_S", "CSMS_HEARTBEAT_INTERVAL_S", "CSMS_BOOT_RETRY_INTERVAL_S", "CSMS_COMMAND_TIMEOUT_S"),
        "CSMS_VERSION_CHANGE_DELAY_S",
        *("CSMS_DATA_TRANSFER_VENDORS", "CSMS_DATA_TRANSFERS_PER_STATION", "CSMS_DATA_TRANSFER_MIB_PER_STATION"),
        *("CSMS_MESSAGE_RETENTION_DAYS", "CSMS_STATUS_REPORT_RETENTION_DAYS", "CSMS_DATA_TRANSFER_RETENTION_DAYS"),
        *("CSMS_COMMAND_RETENTION_DAYS", "CSMS_CONNECTION_RETENTION_DAYS", "CSMS_JOB_RETENTION_DAYS"),
        *("CSMS_CHARGING_PROFILE_RETENTION_DAYS", "CSMS_RESERVATION_RETENTION_DAYS", "CSMS_ROLLOUT_RETENTION_DAYS"),
        *("CSMS_SECURITY_EVENT_RETENTION_DAYS", "CSMS_CERTIFICATE_REQUEST_RETENTION_DAYS"),
        *("CSMS_ALARM_RETENTION_DAYS", "CSMS_EVENT_REPORT_RETENTION_DAYS", "CSMS_PARTIAL_REPORT_RETENTION_DAYS"),
        *("CSMS_CUSTOMER_REPORT_RETENTION_DAYS", "CSMS_DISPLAY_MESSAGE_RETENTION_DAYS"),
        *("CSMS_TASK_RETENTION_DAYS", "CSMS_VARIABLE_REPORT_RETENTION_DAYS", "CSMS_VARIABLE_CHANGE_RETENTION_DAYS"),
    },
    "transaction": _OUTBOX
    | {
        *("CSMS_GATEWAY_ADDRESS", "CSMS_AC_MAX_POWER_W", "CSMS_DC_MAX_POWER_W", "CSMS_FIRST_TRANSACTION_ID"),
        *("CSMS_HANGING_GRACE_S", "CSMS_HANGING_GRACE_LEAST_S", "CSMS_QUARANTINE_RETENTION_DAYS"),
        *("CSMS_SAMPLE_RETENTION_DAYS", "CSMS_METER_VALUES_RETENTION_DAYS", "CSMS_ROLLUP_RETENTION_DAYS"),
        *("CSMS_ROLLUP_OPEN_S", "CSMS_TARIFF_DECIMALS"),
        *("CSMS_TARIFF_PER_KWH", "CSMS_TARIFF_PER_MINUTE", "CSMS_TARIFF_PER_SESSION"),
    },
    "auth": _OUTBOX
    | {
        *("CSMS_HOST", "CSMS_ADMIN_PASSWORD", "CSMS_REGISTRATION", "CSMS_UNKNOWN_TOKENS"),
        *("CSMS_PLATFORM_ADMIN_PASSWORD", "CSMS_ACCESS_TOKEN_S"),
        *("CSMS_MAX_CONCURRENT_TRANSACTIONS", "CSMS_AUTHORIZE_CONCURRENT_TX"),
        *("CSMS_CA_CERTIFICATE_FILE", "CSMS_CA_KEY_FILE", "CSMS_CERTIFICATE_ORGANIZATION"),
        *("CSMS_CERTIFICATE_VALIDITY_DAYS", "CSMS_CERTIFICATE_RETENTION_DAYS", "CSMS_CERTIFICATES_PER_STATION_DAY"),
        *("CSMS_CLIENT_CA_FILE", "CSMS_CLIENT_REVOCATION", "CSMS_KEY_ENCRYPTION_FILE"),
        *("CSMS_TRUSTED_CERTIFICATES_FILE", "CSMS_OCSP_PRIVATE_ADDRESSES"),
        *("CSMS_EV_CERTIFICATE_PROVIDER_URL", "CSMS_EV_CERTIFICATE_PROVIDER_TOKEN"),
        *("CSMS_V2G_SIGNING_URL", "CSMS_V2G_SIGNING_TOKEN"),
    },
    "notification": {
        *("CSMS_AMQP_URL", "CSMS_EVENT_RETENTION_DAYS"),
        *("CSMS_STATION_ADDRESS", "CSMS_TRANSACTION_ADDRESS"),
    },
    "gateway": {
        *("CSMS_HOST", "CSMS_OCPP_HOST", "CSMS_OCPP_PORT", "CSMS_ONBOARDING", "CSMS_STATION_ORIGINS"),
        "CSMS_PUBLISHED_HOST",
        *("CSMS_OCPP_TLS_PORT", "CSMS_TLS_CERTIFICATE_FILES", "CSMS_TLS_KEY_FILES", "CSMS_CLIENT_CA_FILE"),
        "CSMS_TLS_ENDS_IN_FRONT",
        *("CSMS_STATION_ADDRESS", "CSMS_TRANSACTION_ADDRESS"),
        *("CSMS_GATEWAY_ADVERTISED_HOST", "CSMS_GATEWAY_SHARED_PORT", "CSMS_GATEWAY_WORKERS"),
        *("CSMS_ACCEPTS_PER_TURN", "CSMS_ADMISSION_BACKLOG", "CSMS_ADMISSION_TURN_MS"),
    },
    # The data directory shows which run its process belongs to.
    "simulator": _LIMITS | {"CSMS_DATA_DIR", "CSMS_SIMULATOR_OPERATOR_ADDRESS"},
}
# They have no database.
_WITHOUT_DATABASE = ("gateway", "simulator")


def settings_of(part: str) -> frozenset[str]:
    """The names of the settings that a process of this part of the mesh reads."""
    prefix = f"CSMS_{part.upper()}"
    if part == "simulator":
        return frozenset(_EVERY | _OWN[part])
    if part == "gateway":
        return frozenset(_EVERY | _OWN[part] | {f"{prefix}_ADDRESS", f"{prefix}_METRICS_ADDRESS"})
    kinds = ("ADDRESS", "OPERATOR_ADDRESS", "METRICS_ADDRESS", "DATABASE_URL")
    return frozenset(_SERVICE | _OWN[part] | {f"{prefix}_{kind}" for kind in kinds})


def environment_of(part: str, values: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of this part: its own settings, and all that is no setting of ours.

    Variables of PostgreSQL's client library (PGPASSWORD and others) go to services alone.
    """
    own = settings_of(part)
    prefixes = ("CSMS_", "PG") if part in _WITHOUT_DATABASE else ("CSMS_",)
    return {name: value for name, value in values.items() if name in own or not name.startswith(prefixes)}


def environment_with_keys(part: str, values: Mapping[str, str], keys: Mapping[str, str]) -> dict[str, str]:
    """The same, with the settings of the part's own keys.

    A key for keys that is set stays in place: the database may be encrypted by it.
    """
    own = environment_of(part, values)
    given = {name: own[name] for name in ("CSMS_KEY_ENCRYPTION_FILE",) if own.get(name)}
    return {**own, **keys, **given}
