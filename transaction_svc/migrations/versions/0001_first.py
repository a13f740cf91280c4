"""Transactions, their events, meter values outside of them, quarantine, outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _create_tx()
    _create_tx_event()
    _create_meter_values()
    _create_quarantine()
    _create_outbox()
    if op.get_bind().dialect.name == "postgresql":
        # The numbers of 1.6: int32 and positive. They start over when used up; a name used before gets a generation.
        op.execute("CREATE SEQUENCE tx_number AS integer MINVALUE 1 MAXVALUE 2147483647 CYCLE")
        # A row is updated with each event: with room in its page, no index has to be changed (HOT update).
        op.execute("ALTER TABLE tx SET (fillfactor = 50)")
    else:
        op.create_table(
            "tx_counter",
            sa.Column("name", sa.Text, primary_key=True),
            sa.Column("value", sa.BigInteger, nullable=False),
        )
        op.execute("INSERT INTO tx_counter (name, value) VALUES ('tx_number', 0)")


def _create_tx() -> None:
    op.create_table(
        "tx",
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("station_id", _NAME, nullable=False),
        sa.Column("transaction_id", _NAME, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("fold", sa.Text, nullable=False),
        sa.Column("station_hash", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("token_key", _NAME, nullable=False),
        sa.Column("evse_id", sa.Integer, nullable=False),
        sa.Column("evse_hash", sa.BigInteger, nullable=False),
        sa.Column("begin_us", sa.BigInteger, nullable=False),
        sa.Column("start_us", sa.BigInteger),
        sa.Column("end_us", sa.BigInteger),
        sa.Column("energy_mwh", sa.BigInteger, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("station_id", "transaction_id", "generation", "tenant_id", name="tx_pkey"),
    )
    op.create_index("tx_newest", "tx", ["tenant_id", "create_us"])
    op.create_index("tx_evse", "tx", ["evse_hash", "begin_us"])
    is_open = sa.text("NOT ended")
    op.create_index("tx_open_station", "tx", ["station_hash"], postgresql_where=is_open, sqlite_where=is_open)
    op.create_index("tx_open_token", "tx", ["token_key"], postgresql_where=is_open, sqlite_where=is_open)


def _create_tx_event() -> None:
    op.create_table(
        "tx_event",
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("station_id", _NAME, nullable=False),
        sa.Column("content_key", _NAME, nullable=False),
        sa.Column("repeat_no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("transaction_id", _NAME, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("tx_hash", sa.BigInteger, nullable=False),
        sa.Column("fact", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "station_id", "content_key", "repeat_no", name="tx_event_pkey"),
    )
    op.create_index("tx_event_of_tx", "tx_event", ["tx_hash"])


def _create_meter_values() -> None:
    op.create_table(
        "meter_values",
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("station_id", _NAME, nullable=False),
        sa.Column("content_key", _NAME, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "station_id", "content_key", name="meter_values_pkey"),
    )
    op.create_index("meter_values_newest", "meter_values", ["tenant_id", "station_id", "receive_us"])


def _create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("quarantine_id", _NAME, nullable=False),
        sa.Column("station_id", _NAME, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("run_count", sa.Integer, nullable=False),
        sa.Column("transaction_id", _NAME, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "quarantine_id", name="quarantine_pkey"),
    )
    op.create_index("quarantine_newest", "quarantine", ["tenant_id", "create_us"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column(
            "outbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("event_time_us", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("published_us", sa.BigInteger),
    )
    unpublished = sa.text("published_us IS NULL")
    op.create_index(
        "outbox_unpublished", "outbox", ["outbox_id"], postgresql_where=unpublished, sqlite_where=unpublished
    )


def downgrade() -> None:
    for table in ("outbox", "quarantine", "meter_values", "tx_event", "tx"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE tx_number")
    else:
        op.drop_table("tx_counter")
