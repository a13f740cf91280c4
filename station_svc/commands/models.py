"""The table of commands."""

import sqlalchemy as sa

from station_svc.core.columns import Key, big, metadata

# Every command to a station, and its outcome. The request itself is not kept, since it may have secrets; `digest`
# (HMAC-SHA-256 under the salt) shows whether another one is the same.
command = sa.Table(
    "command",
    metadata,
    sa.Column("tenant_id", Key, primary_key=True),
    sa.Column("command_id", Key, primary_key=True),
    sa.Column("request_id", Key),  # the caller's; NULL where it gave none
    sa.Column("station_id", Key, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    big("epoch"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    # Time by which its sender has given up: a command that is unfinished after it keeps an unknown outcome.
    sa.Column("deadline_us", sa.BigInteger, nullable=False),
    sa.Column("finish_us", sa.BigInteger),
    # The answer, or the google.rpc.Status of the error, serialized; both NULL while it is under way.
    sa.Column("answer", sa.LargeBinary),
    sa.Column("error", sa.LargeBinary),
    sa.Index("command_request", "tenant_id", "request_id", unique=True),
    sa.Index("command_station", "tenant_id", "station_id", "create_us"),
    sa.Index("command_age", "create_us"),
)
