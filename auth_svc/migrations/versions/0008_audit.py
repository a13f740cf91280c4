"""The audit: entries that are only appended, the heads of their chains; the actor of events."""

import sqlalchemy as sa
from alembic import op

from mesh.audit import guards

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    guards.create_tables()
    op.add_column("outbox", sa.Column("actor", sa.Text))


def downgrade() -> None:
    op.drop_column("outbox", "actor")
    guards.drop_tables()
