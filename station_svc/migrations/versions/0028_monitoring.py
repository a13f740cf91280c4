"""Monitors of stations, alarms, event reports; reports in parts."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _partial_report()
    _monitor()
    _alarm()
    _event_report()
    _event_budget()


def downgrade() -> None:
    for table in ("event_budget", "event_report", "alarm", "monitor", "partial_report"):
        op.drop_table(table)


def _partial_report() -> None:
    op.create_table(
        "partial_report",
        *_keys("tenant_id", "station_id", "kind"),
        sa.Column("report_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _small("state"),
        _text("ranges"),
        sa.Column("last_part", sa.BigInteger),
        *map(_integer, ("parts", "doubled_parts")),
        *map(_small, ("is_whole", "station_made")),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )
    op.create_index("partial_report_age", "partial_report", ["update_us"])


def _monitor() -> None:
    op.create_table(
        "monitor",
        *_keys("tenant_id", "station_id"),
        sa.Column("monitor_id", sa.BigInteger, primary_key=True, autoincrement=False),
        *map(_text, ("component", "component_instance")),
        *map(_integer, ("evse_id", "connector_id")),
        *map(_text, ("variable", "variable_instance")),
        _small("type"),
        sa.Column("value", sa.Double, nullable=False),
        _integer("severity"),
        *map(_small, ("is_transaction", "is_custom")),
        sa.Column("report_id", sa.BigInteger),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )


def _alarm() -> None:
    op.create_table(
        "alarm",
        *_keys("tenant_id", "station_id", "alarm_id"),
        sa.Column("subject", _KEY, nullable=False),
        _small("state"),
        *map(_text, ("component", "component_instance")),
        *map(_integer, ("evse_id", "connector_id")),
        *map(_text, ("variable", "variable_instance", "value")),
        sa.Column("monitor_id", sa.BigInteger),
        sa.Column("severity", sa.Integer),
        _small("notification_type"),
        *map(_text, ("tech_code", "tech_info", "transaction_id")),
        _integer("event_id"),
        sa.Column("cause_event_id", sa.Integer),
        _integer("count"),
        sa.Column("open_us", sa.BigInteger, nullable=False),
        sa.Column("close_us", sa.BigInteger),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
    )
    op.create_index("alarm_age", "alarm", ["update_us"])
    op.create_index(
        "alarm_open",
        "alarm",
        ["tenant_id", "severity"],
        postgresql_where=sa.text("close_us IS NULL"),
        sqlite_where=sa.text("close_us IS NULL"),
    )
    op.create_index("alarm_order", "alarm", ["tenant_id", "open_us", "station_id", "alarm_id"])
    op.create_index("alarm_subject", "alarm", ["tenant_id", "station_id", "subject"])


def _event_report() -> None:
    op.create_table(
        "event_report",
        *_keys("tenant_id", "station_id"),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
        _text("content"),
        _integer("dropped"),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
    )
    op.create_index("event_report_age", "event_report", ["receive_us"])


def _event_budget() -> None:
    op.create_table(
        "event_budget",
        *_keys("tenant_id", "station_id"),
        sa.Column("window_us", sa.BigInteger, nullable=False),
        *map(_integer, ("readings", "alerts", "dropped")),
    )


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _KEY, primary_key=True) for name in names]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))
