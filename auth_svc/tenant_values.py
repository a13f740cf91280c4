"""Tenants between the contract and rows: the fields that can be changed, and their checks."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from csms.auth.v1 import tenant_pb2
from google.protobuf.message import Message

from auth_svc.tenant_store import ErasureRow, TenantRow
from mesh.contract.requests import check_text
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import to_timestamp

MAX_DISPLAY_NAME = 255
MAX_HOST_NAME = 253
MOST_DAYS = 36_500
MOST_STATIONS = 10_000_000
MOST_ROWS = 1_000_000_000_000
MOST_MESSAGES_PER_SECOND = 1_000_000
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")

Value = str | int
Check = Callable[[str, Any], Value]


def _number(most: int) -> Check:
    def check(field: str, value: int) -> int:
        if not 0 <= value <= most:
            raise invalid_field(field, f"0 to {most} is needed, and 0 means none of its own")
        return value

    return check


def _word(values: Iterable[int]) -> Check:
    known = frozenset(values)

    def check(field: str, value: int) -> int:
        if value not in known:
            raise invalid_field(field, "is a value that is not known")
        return value

    return check


def _display_name(field: str, value: str) -> str:
    check_text(field, value, most=MAX_DISPLAY_NAME)
    return value


def _host_name(field: str, value: str) -> str:
    name = value.rstrip(".").lower()
    if name and (len(name) > MAX_HOST_NAME or _HOST_NAME.fullmatch(name) is None):
        raise invalid_field(field, "a host name of at least two labels is needed, without a port: csms.example.org")
    return name


# The fields that can be changed, by their paths, with the column of each.
_SETTINGS: Mapping[str, Check] = {
    "onboarding": _word(tenant_pb2.Onboarding.values()),
    "unknown_id_tokens": _word(tenant_pb2.UnknownIdTokens.values()),
    "message_log_days": _number(MOST_DAYS),
    "event_days": _number(MOST_DAYS),
}
_QUOTAS: Mapping[str, Check] = {
    "max_stations": _number(MOST_STATIONS),
    "max_messages_per_second": _number(MOST_MESSAGES_PER_SECOND),
    "max_storage_days": _number(MOST_DAYS),
    "max_stored_rows": _number(MOST_ROWS),
}
_CHANGES: Mapping[str, Check] = {
    "display_name": _display_name,
    "host_name": _host_name,
    **{f"quotas.{name}": check for name, check in _QUOTAS.items()},
    **{f"settings.{name}": check for name, check in _SETTINGS.items()},
}


def changes(tenant: tenant_pb2.Tenant, paths: Sequence[str]) -> dict[str, Value]:
    """The columns that a request changes, checked; without paths those of the fields that are set (AIP-161).

    Raises MeshError INVALID_FIELD.
    """
    return _changes(tenant, paths, _CHANGES, prefix="tenant.")


def setting_changes(settings: tenant_pb2.TenantSettings, paths: Sequence[str]) -> dict[str, Value]:
    """The same for the settings alone. Raises MeshError INVALID_FIELD."""
    return _changes(settings, paths, _SETTINGS, prefix="settings.")


def check_open(values: Mapping[str, Value], *, admits_anyone: bool) -> None:
    """Raises MeshError INVALID_FIELD where strangers would be admitted, and other machines can connect."""
    if admits_anyone:
        return
    if values.get("onboarding") == tenant_pb2.ONBOARDING_ACCEPT:
        raise invalid_field("settings.onboarding", "ACCEPT lets anyone in, and other machines can connect: use PENDING")
    if values.get("unknown_id_tokens") == tenant_pb2.UNKNOWN_ID_TOKENS_ACCEPT:
        raise invalid_field("settings.unknown_id_tokens", "ACCEPT lets anyone charge, and other machines can connect")


def check_quotas(before: TenantRow, values: Mapping[str, Value]) -> None:
    """Raises MeshError INVALID_FIELD where the settings would be beyond the quotas of the tenant."""
    most = values.get("max_storage_days", before.max_storage_days)
    for name in ("message_log_days", "event_days"):
        days = values.get(name, getattr(before, name))
        if most and int(days) > int(most):
            raise invalid_field(f"settings.{name}", f"the quota allows {most} days")


def to_message(row: TenantRow, erasures: Sequence[ErasureRow] = ()) -> tenant_pb2.Tenant:
    """A tenant of the contract."""
    return tenant_pb2.Tenant(
        tenant_id=row.tenant_id,
        display_name=row.display_name,
        state=tenant_pb2.TenantState.ValueType(row.state),
        host_name=row.host_name,
        quotas=tenant_pb2.TenantQuotas(**{name: getattr(row, name) for name in _QUOTAS}),
        settings=tenant_pb2.TenantSettings(**{name: getattr(row, name) for name in _SETTINGS}),
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
        erasures=[_to_erasure(one) for one in erasures],
    )


def _to_erasure(row: ErasureRow) -> tenant_pb2.TenantErasure:
    finish = None if row.finish_us is None else to_timestamp(row.finish_us)
    return tenant_pb2.TenantErasure(service=row.service, erased_rows=row.erased_rows, finish_time=finish)


def _changes(message: Message, paths: Sequence[str], known: Mapping[str, Check], *, prefix: str) -> dict[str, Value]:
    wanted = _expanded(paths, known) if paths else [path for path in known if _get(message, path)]
    return {path.rpartition(".")[2]: known[path](prefix + path, _get(message, path)) for path in wanted}


def _expanded(paths: Sequence[str], known: Mapping[str, Check]) -> list[str]:
    """The fields of a mask: `quotas` means all of its fields, `*` all that can be changed."""
    found = []
    for path in paths:
        fields = [one for one in known if path in {"*", one} or one.startswith(f"{path}.")]
        if not fields:
            raise invalid_field("update_mask", f"{path!r} cannot be changed; these can: {', '.join(known)}")
        found += fields
    return found


def _get(message: Any, path: str) -> Any:
    for name in path.split("."):
        message = getattr(message, name)
    return message
