"""The table of what is known of stations' local authorization lists."""

import sqlalchemy as sa

from station_svc.core.columns import metadata, small, station_key, text

local_list = sa.Table(
    "local_list",
    metadata,
    *station_key(),
    sa.Column("version", sa.Integer),  # as last reported or accepted; NULL where that is not known
    # What it holds in this version, packed by parts.py; in any other it is not known.
    sa.Column("entries_version", sa.Integer),
    sa.Column("entries", sa.LargeBinary, nullable=False, server_default=sa.text("''")),
    sa.Column("entry_count", sa.Integer, nullable=False, server_default=sa.text("0")),
    small("sync_state"),
    text("request_id"),
    sa.Column("request_us", sa.BigInteger),
    sa.Column("plan_us", sa.BigInteger),  # request_us of the request that the present plan is for
    sa.Column("sync_us", sa.BigInteger),
    sa.Column("full", sa.Boolean, nullable=False, server_default=sa.false()),  # all entries are to be sent again
    sa.Column("left_out", sa.Text, nullable=False, server_default=sa.text("'[]'")),  # JSON
    sa.Column("error", sa.LargeBinary),  # google.rpc.Status, serialized
)
