"""The audit: this service's own, and the linked entries of all services; the actor of events."""

import sqlalchemy as sa
from alembic import op

from mesh.audit import guards

revision = "0005"
down_revision = "0004"

_KEY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_TEXTS = (
    "actor_kind",
    "actor",
    "on_behalf_of",
    "address",
    "action",
    "resource_type",
    "resource",
    "station_id",
    "change",
    "outcome",
    "content",
    "previous_hash",
    "hash",
)


def upgrade() -> None:
    guards.create_tables()
    op.add_column("event", sa.Column("actor", sa.Text))
    op.create_table(
        "audit_record",
        sa.Column("tenant_id", _KEY, nullable=False),
        sa.Column("source", _KEY, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.PrimaryKeyConstraint("tenant_id", "source", "sequence", name="audit_record_pkey"),
    )
    op.create_index("audit_record_by_time", "audit_record", ["tenant_id", "time_us", "source", "sequence"])
    op.create_index("audit_record_by_actor", "audit_record", ["tenant_id", "actor", "time_us"])
    op.create_index("audit_record_by_station", "audit_record", ["tenant_id", "station_id", "time_us"])
    op.create_table(
        "audit_record_start",
        sa.Column("tenant_id", _KEY, nullable=False),
        sa.Column("source", _KEY, nullable=False),
        sa.Column("removed_through", sa.BigInteger, nullable=False),
        sa.Column("removed_hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "source", name="audit_record_start_pkey"),
    )
    guards.guard_records()


def downgrade() -> None:
    op.drop_table("audit_record")
    op.drop_table("audit_record_start")
    guards.drop_record_guard()
    op.drop_column("event", "actor")
    guards.drop_tables()
