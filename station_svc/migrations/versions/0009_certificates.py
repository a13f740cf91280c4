"""Certificates that stations have, and that they asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def upgrade() -> None:
    op.create_table(
        "certificate_request",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("station_id", _KEY, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("certificate_type", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        _text("csr_sha256"),
        _text("csr"),
        _text("chain"),
        sa.Column("state", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        _text("reason"),
        _text("serial_number"),
        sa.Column("expire_us", sa.BigInteger),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )
    op.create_index("certificate_request_age", "certificate_request", ["receive_us"])
    op.create_table(
        "installed_certificate",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("station_id", _KEY, primary_key=True),
        sa.Column("certificate_type", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("hash_algorithm", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("issuer_name_hash", _KEY, primary_key=True),
        sa.Column("issuer_key_hash", _KEY, primary_key=True),
        sa.Column("serial_number", _KEY, primary_key=True),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in ("installed_certificate", "certificate_request"):
        op.drop_table(table)
