"""Ids of stations are unique in their tenant, by the key of the table alone."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("station") as table:
        table.drop_constraint("station_id_unique", type_="unique")


def downgrade() -> None:
    with op.batch_alter_table("station") as table:
        table.create_unique_constraint("station_id_unique", ["station_id"])
