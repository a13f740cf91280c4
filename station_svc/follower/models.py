"""The tables of activities.

They are called `task` and `task_report`, and a number `task_id`, since code of earlier releases reads them: a rename
would need a copy of the rows, for names that are read here and in store.py alone.
"""

import sqlalchemy as sa

from station_svc.core.columns import Key, big, frame_key, metadata, small, station_key, text

# An activity of a station, on command or not: a firmware update, an upload of a log. Times of the
# request have columns of their own; `epoch` and `ordinal` are of the latest frame that changed it.
activity = sa.Table(
    "task",
    metadata,
    *station_key(),
    sa.Column("kind", Key, primary_key=True),
    sa.Column("task_id", sa.Integer, primary_key=True, autoincrement=False),
    small("state"),
    small("status"),
    text("reported_status"),
    small("answer"),
    text("failure_reason"),
    sa.Column("station_made", sa.Boolean, nullable=False),
    text("request_id"),
    text("username"),
    text("location"),
    text("file_name"),
    small("log_type"),
    sa.Column("is_signed", sa.Boolean, nullable=False),
    sa.Column("retrieve_us", sa.BigInteger),
    sa.Column("install_us", sa.BigInteger),
    sa.Column("oldest_us", sa.BigInteger),
    sa.Column("latest_us", sa.BigInteger),
    sa.Column("retries", sa.Integer),
    sa.Column("retry_interval_s", sa.Integer),
    text("previous_version"),
    text("installed_version"),
    text("checksum"),
    text("published_locations"),
    big("epoch"),
    big("ordinal"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Column("end_us", sa.BigInteger),
    # Time by which the sender of the command has given up: a command that is unanswered after it stays so.
    big("deadline_us"),
    sa.Index("task_age", "create_us"),
    sa.Index("task_list", "tenant_id", "kind", "create_us"),
)

# Reports of stations about their activities.
activity_report = sa.Table(
    "task_report",
    metadata,
    *station_key(),
    *frame_key(),
    sa.Column("kind", Key, nullable=False),
    sa.Column("task_id", sa.Integer, nullable=False),
    small("status"),
    text("reported_status"),
    sa.Column("named_id", sa.Integer),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("task_report_age", "receive_us"),
)
