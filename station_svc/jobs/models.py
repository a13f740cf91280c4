"""The table of jobs: work for stations in the background (runner.py)."""

import sqlalchemy as sa

from station_svc.core.columns import Key, metadata, partial_index, small, text

# `state`: see rows.JobState. `run_us`: when it is looked at next; of one that runs, the end of its owner's lease.
job = sa.Table(
    "job",
    metadata,
    sa.Column("tenant_id", Key, primary_key=True),
    sa.Column("job_id", Key, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("station_id", Key, nullable=False),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("slot", Key),  # NULL where it has none, or is over
    sa.Column("payload", sa.LargeBinary, nullable=False),
    small("state"),
    sa.Column("run_us", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    sa.Column("finish_us", sa.BigInteger),
    text("owner"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("takeovers", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("turn", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("cancelling", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("error", sa.LargeBinary),  # google.rpc.Status of the last failure, serialized
    sa.Index("job_slot", "tenant_id", "slot", unique=True),
    partial_index("job_due", "run_us", where="state IN (1, 3)"),
    partial_index("job_parked", "tenant_id", "station_id", where="state = 2"),
    partial_index("job_age", "finish_us", where="finish_us IS NOT NULL"),
)
