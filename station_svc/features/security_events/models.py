"""The table of security events, a row per reporting frame."""

import sqlalchemy as sa

from station_svc.core.columns import frame_key, metadata, small, station_key, text

security_event = sa.Table(
    "security_event",
    metadata,
    *station_key(),
    *frame_key(),
    text("type"),
    text("tech_info"),
    small("criticality"),
    sa.Column("event_us", sa.BigInteger),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("security_event_age", "receive_us"),
)
