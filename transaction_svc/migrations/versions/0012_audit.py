"""The audit: entries that are only appended, the heads of their chains; the actor of events."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mesh.audit import guards

revision = "0012"
down_revision = "0011"


_FIELDS = (
    "vendor_name",
    "model",
    "firmware_version",
    "evse_kind",
    "max_power_w",
    "begin_end_exponent",
    "sampled_exponent",
    "register_source",
    "register_location",
    "zero_begin",
)
_PROFILES = f"SELECT tenant_id, profile_id AS resource, station_id, {', '.join(_FIELDS)} FROM meter_profile"  # noqa: S608  # nosec B608


def _profile(row: Any) -> dict[str, Any]:
    return {"station_id": row.station_id, **{name: getattr(row, name) for name in _FIELDS}}


def upgrade() -> None:
    guards.create_tables()
    guards.record_present("meter_profile", _PROFILES, _profile)
    op.add_column("outbox", sa.Column("actor", sa.Text))


def downgrade() -> None:
    op.drop_column("outbox", "actor")
    guards.drop_tables()
