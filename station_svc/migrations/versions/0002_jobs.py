"""The job queue: what is to be done with stations in the background."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COUNTS = ("attempt", "failures", "takeovers", "turn")


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("job_id", _KEY, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("station_id", _KEY, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("slot", _KEY),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("run_us", sa.BigInteger, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("expire_us", sa.BigInteger, nullable=False),
        sa.Column("finish_us", sa.BigInteger),
        sa.Column("owner", sa.Text, nullable=False, server_default=sa.text("''")),
        *(sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0")) for name in _COUNTS),
        sa.Column("cancelling", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("error", sa.LargeBinary),
    )
    op.create_index("job_slot", "job", ["tenant_id", "slot"], unique=True)
    for name, columns, condition in (
        ("job_due", ["run_us"], "state IN (1, 3)"),
        ("job_parked", ["tenant_id", "station_id"], "state = 2"),
        ("job_age", ["finish_us"], "finish_us IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, "job", columns, postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    op.drop_table("job")
