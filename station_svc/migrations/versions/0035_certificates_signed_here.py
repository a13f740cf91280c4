"""When certificates were signed here, and from when on they prove their stations."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.add_column("connection", sa.Column("certificate_issue_us", sa.BigInteger))
    column = sa.Column("certificates_from_us", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    op.add_column("station", column)


def downgrade() -> None:
    op.drop_column("station", "certificates_from_us")
    op.drop_column("connection", "certificate_issue_us")
