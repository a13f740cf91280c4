"""Meter profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "meter_profile",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("profile_id", NAME, nullable=False),
        sa.Column("station_id", NAME, nullable=False),
        sa.Column("vendor_name", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("firmware_version", sa.Text, nullable=False),
        sa.Column("vendor_key", NAME, nullable=False),
        sa.Column("model_key", NAME, nullable=False),
        sa.Column("firmware_key", NAME, nullable=False),
        sa.Column("evse_kind", sa.Integer, nullable=False),
        sa.Column("max_power_w", sa.Integer, nullable=False),
        sa.Column("begin_end_exponent", sa.Integer),
        sa.Column("sampled_exponent", sa.Integer),
        sa.Column("register_source", sa.Integer, nullable=False),
        sa.Column("register_location", sa.Integer),
        sa.Column("zero_begin", sa.Integer, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.Column("updated_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "profile_id", name="meter_profile_pkey"),
    )


def downgrade() -> None:
    op.drop_table("meter_profile")
