"""The first tables of station_svc."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_HISTORY = ("status_report", "data_transfer", "message")


def upgrade() -> None:
    _stations()
    _connections()
    _present()
    _history()
    _commands()
    _outbox()


def downgrade() -> None:
    for table in ("outbox", "removal", "command", "variable", *_HISTORY, "connector", "quirk", "sighting"):
        op.drop_table(table)
    for table in ("connection", "station", "node"):
        op.drop_table(table)


def _stations() -> None:
    op.create_table(
        "node",
        sa.Column("node_id", _KEY, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("lease_end_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "station",
        *_station_key(),
        _small("registration_status"),
        _text("display_name"),
        _small("security_profile"),
        _text("credential_salt"),
        _text("credential_digest"),
        _big("latest_epoch"),
        _text("model"),
        _text("vendor_name"),
        _text("serial_number"),
        _text("firmware_version"),
        _text("iccid"),
        _text("imsi"),
        _text("meter_serial_number"),
        _text("meter_type"),
        _text("charge_box_serial_number"),
        _big("boot_epoch"),
        _big("boot_ordinal"),
        _small("boot_reason"),
        _small("boot_status"),
        sa.Column("boot_us", sa.BigInteger),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("station_id", name="station_id_unique"),
        postgresql_with={"fillfactor": "80"},
    )


def _connections() -> None:
    op.create_table(
        "connection",
        sa.Column("epoch", _IDENTITY, primary_key=True, autoincrement=True),
        sa.Column("tenant_id", _KEY, nullable=False),
        sa.Column("station_id", _KEY, nullable=False),
        sa.Column("node_id", _KEY, nullable=False),
        _text("ocpp_version"),
        _text("remote_address"),
        sa.Column("connect_us", sa.BigInteger, nullable=False),
        sa.Column("disconnect_us", sa.BigInteger),
        sa.Column("close_code", sa.Integer),
        sqlite_autoincrement=True,
    )
    for name, column, condition in (
        ("connection_open", "node_id", "disconnect_us IS NULL"),
        ("connection_closed", "disconnect_us", "disconnect_us IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, "connection", [column], postgresql_where=where, sqlite_where=where)


def _present() -> None:
    op.create_table(
        "sighting",
        *_station_key(),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table("quirk", *_station_key(), sa.Column("name", _KEY, primary_key=True), _big("count"))
    op.create_table(
        "connector",
        *_station_key(),
        _number_key("evse_id", sa.Integer()),
        _number_key("connector_id", sa.Integer()),
        _small("status"),
        _text("reported_status"),
        _text("error_code"),
        sa.Column("status_us", sa.BigInteger, nullable=False),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
        _big("epoch"),
        _big("ordinal"),
        _big("changed_epoch"),
        _big("changed_ordinal"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "variable",
        *_station_key(),
        sa.Column("component", _KEY, primary_key=True),
        sa.Column("variable", _KEY, primary_key=True),
        sa.Column("component_instance", _KEY, primary_key=True),
        _number_key("evse_id", sa.Integer()),
        _number_key("connector_id", sa.Integer()),
        sa.Column("variable_instance", _KEY, primary_key=True),
        sa.Column("attribute_type", _KEY, primary_key=True),
        _text("value"),
        sa.Column("readonly", sa.Boolean),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )
    op.create_table("removal", *_station_key(), _big("through_epoch"))


def _history() -> None:
    op.create_table(
        "status_report",
        *_station_key(),
        *_frame_key(),
        sa.Column("evse_id", sa.Integer, nullable=False),
        sa.Column("connector_id", sa.Integer, nullable=False),
        _small("status"),
        _text("reported_status"),
        _text("error_code"),
        _text("info"),
        _text("vendor_id"),
        _text("vendor_error_code"),
        sa.Column("status_us", sa.BigInteger),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "data_transfer",
        *_station_key(),
        *_frame_key(),
        _text("vendor_id"),
        _text("message_id"),
        _text("data"),
        _small("status"),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "message",
        *_station_key(),
        *_frame_key(),
        _small("direction"),
        _small("message_type"),
        _text("message_id"),
        _text("action"),
        _text("payload"),
        sa.Column("message_us", sa.BigInteger, nullable=False),
    )
    op.create_index("status_report_age", "status_report", ["receive_us"])
    op.create_index("data_transfer_age", "data_transfer", ["receive_us"])
    op.create_index("message_age", "message", ["message_us"])


def _commands() -> None:
    op.create_table(
        "command",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("command_id", _KEY, primary_key=True),
        sa.Column("request_id", _KEY),
        sa.Column("station_id", _KEY, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("salt", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        _big("epoch"),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("deadline_us", sa.BigInteger, nullable=False),
        sa.Column("finish_us", sa.BigInteger),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("error", sa.LargeBinary),
    )
    op.create_index("command_request", "command", ["tenant_id", "request_id"], unique=True)
    op.create_index("command_station", "command", ["tenant_id", "station_id", "create_us"])
    op.create_index("command_age", "command", ["create_us"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("outbox_id", _IDENTITY, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("event_time_us", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("published_us", sa.BigInteger),
    )
    where = sa.text("published_us IS NULL")
    op.create_index("outbox_unpublished", "outbox", ["outbox_id"], postgresql_where=where, sqlite_where=where)


def _station_key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("tenant_id", _KEY, primary_key=True), sa.Column("station_id", _KEY, primary_key=True)


def _frame_key() -> tuple[sa.Column[int], sa.Column[int]]:
    return _number_key("epoch", sa.BigInteger()), _number_key("ordinal", sa.BigInteger())


def _number_key(name: str, kind: sa.Integer) -> sa.Column[int]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))
