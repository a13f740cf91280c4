"""The certificate authority, and what it issued."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "certificate_authority",
        sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("certificate", sa.Text, nullable=False),
        sa.Column("private_key", sa.Text, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("expire_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("generation", name="certificate_authority_pkey"),
    )
    op.create_table(
        "issued_certificate",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("serial_number", _FOLDED, nullable=False),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("csr_digest", sa.Text, nullable=False),
        sa.Column("issue", sa.Integer, nullable=False),
        sa.Column("certificate_type", sa.Integer, nullable=False),
        sa.Column("common_name", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("sha256_fingerprint", sa.Text, nullable=False),
        sa.Column("authority_fingerprint", sa.Text, nullable=False),
        sa.Column("certificate", sa.Text, nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("expire_us", sa.BigInteger, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "serial_number", name="issued_certificate_pkey"),
        sa.UniqueConstraint("tenant_id", "station_id", "csr_digest", "issue", name="issued_certificate_request"),
    )
    op.create_index("issued_certificate_by_time", "issued_certificate", ["tenant_id", "create_us", "serial_number"])
    op.create_index("issued_certificate_by_end", "issued_certificate", ["expire_us"])


def downgrade() -> None:
    for table in ("issued_certificate", "certificate_authority"):
        op.drop_table(table)
