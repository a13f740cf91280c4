"""The values that variables were last set to from here."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("variable", sa.Column("wished_value", sa.Text))
    wished = sa.text("wished_value IS NOT NULL")
    columns = ["tenant_id", "station_id"]
    op.create_index("variable_wished", "variable", columns, postgresql_where=wished, sqlite_where=wished)


def downgrade() -> None:
    op.drop_index("variable_wished", "variable")
    op.drop_column("variable", "wished_value")
