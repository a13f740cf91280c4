"""The table of what stations reported of their connectors, a row per frame."""

import sqlalchemy as sa

from station_svc.core.columns import frame_key, metadata, small, station_key, text

status_report = sa.Table(
    "status_report",
    metadata,
    *station_key(),
    *frame_key(),
    sa.Column("evse_id", sa.Integer, nullable=False),
    sa.Column("connector_id", sa.Integer, nullable=False),
    small("status"),
    text("reported_status"),
    text("error_code"),
    text("info"),
    text("vendor_id"),
    text("vendor_error_code"),
    sa.Column("status_us", sa.BigInteger),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("status_report_age", "receive_us"),
)
