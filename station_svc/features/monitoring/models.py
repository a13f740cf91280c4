"""The tables of monitors, alarms and event reports (rows.py)."""

import sqlalchemy as sa

from station_svc.core.columns import Key, frame_key, integer, metadata, partial_index, small, station_key, text


def _variable() -> list[sa.Column[str] | sa.Column[int]]:
    """The columns that name a variable."""
    return [
        text("component"),
        text("component_instance"),
        integer("evse_id"),
        integer("connector_id"),
        text("variable"),
        text("variable_instance"),
    ]


# `is_custom`: it was set from here. `report_id`: the report that had it last.
monitor = sa.Table(
    "monitor",
    metadata,
    *station_key(),
    sa.Column("monitor_id", sa.BigInteger, primary_key=True, autoincrement=False),
    *_variable(),
    small("type"),
    sa.Column("value", sa.Double, nullable=False),
    integer("severity"),
    small("is_transaction"),
    small("is_custom"),
    sa.Column("report_id", sa.BigInteger),
    sa.Column("update_us", sa.BigInteger, nullable=False),
)

# `subject` names what the alarm is about: of one subject one alarm is open at most. `epoch` and `ordinal` are of the
# latest frame about it.
alarm = sa.Table(
    "alarm",
    metadata,
    *station_key(),
    sa.Column("alarm_id", Key, primary_key=True),
    sa.Column("subject", Key, nullable=False),
    small("state"),
    *_variable(),
    text("value"),
    sa.Column("monitor_id", sa.BigInteger),
    sa.Column("severity", sa.Integer),
    small("notification_type"),
    text("tech_code"),
    text("tech_info"),
    text("transaction_id"),
    integer("event_id"),
    sa.Column("cause_event_id", sa.Integer),
    integer("count"),
    sa.Column("open_us", sa.BigInteger, nullable=False),
    sa.Column("close_us", sa.BigInteger),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.Index("alarm_subject", "tenant_id", "station_id", "subject"),
    sa.Index("alarm_order", "tenant_id", "open_us", "station_id", "alarm_id"),
    partial_index("alarm_open", "tenant_id", "severity", where="close_us IS NULL"),
    sa.Index("alarm_age", "update_us"),
)

# `content` is a csms.station.v1.EventReport as JSON, without what the columns have.
event_report = sa.Table(
    "event_report",
    metadata,
    *station_key(),
    *frame_key(),
    text("content"),
    integer("dropped"),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("event_report_age", "receive_us"),
)

# The use that a station has made of its limits (limits.py).
event_budget = sa.Table(
    "event_budget",
    metadata,
    *station_key(),
    sa.Column("window_us", sa.BigInteger, nullable=False),
    integer("readings"),
    integer("alerts"),
    integer("dropped"),
)
