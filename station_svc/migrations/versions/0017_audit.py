"""The audit: entries that are only appended, the heads of their chains; the actor of events."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mesh.audit import guards

revision = "0017"
down_revision = "0016"


_STATION_FIELDS = ("registration_status", "display_name", "security_profile", "pinned_ocpp_version")
_STATIONS = f"SELECT tenant_id, station_id AS resource, station_id, {', '.join(_STATION_FIELDS)} FROM station"  # noqa: S608  # nosec B608
_RESERVATION_FIELDS = (
    "evse_id",
    "id_token",
    "id_token_type",
    "group_id_token",
    "group_id_token_type",
    "expire_us",
    "state",
)
_RESERVATIONS = f"""
    SELECT tenant_id, station_id || '/' || reservation_id AS resource, station_id, {", ".join(_RESERVATION_FIELDS)}
    FROM reservation
    """  # noqa: S608  # nosec B608
_STATES = {1: "SCHEDULED", 2: "RUNNING", 3: "PAUSED", 4: "STOPPED", 5: "DONE"}
_ROLLOUT_FIELDS = (
    "display_name",
    "filter",
    "kind",
    "max_parallel",
    "stop_after_failures",
    "start_us",
    "expire_us",
    "stop_reason",
)
_ROLLOUTS = f"""
    SELECT tenant_id, rollout_id AS resource, '' AS station_id, state, {", ".join(_ROLLOUT_FIELDS)} FROM rollout
    """  # noqa: S608  # nosec B608


def _station(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _STATION_FIELDS}


def _reservation(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _RESERVATION_FIELDS}


def _rollout(row: Any) -> dict[str, Any]:
    return {"state": _STATES[row.state], **{name: getattr(row, name) for name in _ROLLOUT_FIELDS}}


def upgrade() -> None:
    guards.create_tables()
    guards.record_present("station", _STATIONS, _station)
    guards.record_present("reservation", _RESERVATIONS, _reservation)
    guards.record_present("rollout", _ROLLOUTS, _rollout)
    op.add_column("outbox", sa.Column("actor", sa.Text))


def downgrade() -> None:
    op.drop_column("outbox", "actor")
    guards.drop_tables()
