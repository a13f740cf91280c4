"""TLS of connections, certificates of stations, and security profiles that stations were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

_SMALL = (("station", "next_security_profile"), ("connection", "tls"))
_TEXTS = (
    ("station", "failed_credential_reason"),
    ("connection", "tls_version"),
    ("connection", "cipher_suite"),
    ("connection", "certificate_common_name"),
    ("connection", "certificate_serial_number"),
    ("connection", "certificate_fingerprint"),
    ("connection", "certificate_issuer"),
)


def upgrade() -> None:
    for table, column in _SMALL:
        op.add_column(table, sa.Column(column, sa.SmallInteger, nullable=False, server_default=sa.text("0")))
    for table, column in _TEXTS:
        op.add_column(table, sa.Column(column, sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("connection", sa.Column("certificate_expire_us", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("connection", "certificate_expire_us")
    for table, column in reversed(_TEXTS):
        op.drop_column(table, column)
    for table, column in reversed(_SMALL):
        op.drop_column(table, column)
