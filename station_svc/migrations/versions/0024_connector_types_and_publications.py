"""The type of connector that a reservation is for; checksum and URIs of firmware that a local controller publishes."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_ADDED = (("reservation", "connector_type"), ("task", "checksum"), ("task", "published_locations"))


def upgrade() -> None:
    for table, column in _ADDED:
        op.add_column(table, sa.Column(column, sa.Text, nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    for table, column in reversed(_ADDED):
        op.drop_column(table, column)
