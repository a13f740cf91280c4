"""Serial numbers that certificates may name stations by, and times at which certificates are renewed."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

_RENEWED = sa.text("renew_us IS NOT NULL")
_COLUMNS = ("expected_serial_number", "confirmed_serial_number")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("station", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("certificate_request", sa.Column("renew_us", sa.BigInteger))
    op.create_index(
        "certificate_request_renewal",
        "certificate_request",
        ["renew_us"],
        postgresql_where=_RENEWED,
        sqlite_where=_RENEWED,
    )


def downgrade() -> None:
    op.drop_index("certificate_request_renewal", "certificate_request")
    op.drop_column("certificate_request", "renew_us")
    for name in reversed(_COLUMNS):
        op.drop_column("station", name)
