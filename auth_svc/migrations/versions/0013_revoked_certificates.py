"""Revocations of stations' certificates, and certificates by fingerprint."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_REVOKED = sa.text("revoke_us IS NOT NULL")


def upgrade() -> None:
    op.add_column("issued_certificate", sa.Column("revoke_us", sa.BigInteger))
    op.add_column(
        "issued_certificate", sa.Column("revoke_reason", sa.Integer, nullable=False, server_default=sa.text("0"))
    )
    op.create_index("issued_certificate_by_fingerprint", "issued_certificate", ["sha256_fingerprint"])
    op.create_index(
        "issued_certificate_revoked",
        "issued_certificate",
        ["revoke_us"],
        postgresql_where=_REVOKED,
        sqlite_where=_REVOKED,
    )


def downgrade() -> None:
    op.drop_index("issued_certificate_revoked", "issued_certificate")
    op.drop_index("issued_certificate_by_fingerprint", "issued_certificate")
    for name in ("revoke_reason", "revoke_us"):
        op.drop_column("issued_certificate", name)
