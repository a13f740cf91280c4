"""The tables of rollouts: the same work at many stations. States: rows.py."""

import sqlalchemy as sa

from station_svc.core.columns import Key, big, metadata, small, text

rollout = sa.Table(
    "rollout",
    metadata,
    sa.Column("tenant_id", Key, primary_key=True),
    sa.Column("rollout_id", Key, primary_key=True),
    text("display_name"),
    text("filter"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("work", sa.LargeBinary, nullable=False),  # the contract's message of that kind, serialized
    sa.Column("max_parallel", sa.Integer, nullable=False),
    sa.Column("stop_after_failures", sa.Integer, nullable=False),
    sa.Column("start_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    small("state"),
    small("stop_reason"),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("request_id", Key),  # the caller's; NULL where it gave none
    sa.Column("digest", sa.Text, nullable=False),
    big("total"),
    big("running"),
    big("succeeded"),
    big("failed"),
    big("skipped"),
    big("cancelled"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Column("end_us", sa.BigInteger),
    text("retry_of"),  # the rollout at whose stations it tries again
    sa.Index("rollout_request", "tenant_id", "request_id", unique=True),
    sa.Index("rollout_list", "tenant_id", "create_us", "rollout_id"),
)

# `queued`: it has a job. `held`: that waits for a place, not for the station.
rollout_target = sa.Table(
    "rollout_target",
    metadata,
    sa.Column("tenant_id", Key, primary_key=True),
    sa.Column("rollout_id", Key, primary_key=True),
    sa.Column("station_id", Key, primary_key=True),
    small("state"),
    sa.Column("queued", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
    text("progress"),  # the work's own
    sa.Column("reboot_required", sa.Boolean, nullable=False, server_default=sa.false()),
    big("firmware_update_id"),
    sa.Column("error", sa.LargeBinary),  # google.rpc.Status, serialized
    text("error_reason"),  # its reason
    sa.Column("answer", sa.LargeBinary),  # csms.station.v1.CommandAnswer, serialized
    text("answer_status"),  # its status as a word
    text("answer_reason"),  # the station's own code of the reason
    sa.Column("start_us", sa.BigInteger),
    sa.Column("end_us", sa.BigInteger),
    sa.Index("rollout_target_state", "tenant_id", "rollout_id", "state", "held", "station_id"),
)
