"""Forms of one id token: how it is compared, which forms were merged, how readers write it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    # No row is written: housekeeping fills in match_key (auth_svc/id_token_form_store.py); until then, or where a build
    # before this one writes a row, it is found by token_key as before.
    empty = sa.text("''")
    op.add_column("id_token", sa.Column("match_key", _FOLDED))
    op.add_column("id_token", sa.Column("merged_into", _FOLDED, nullable=False, server_default=empty))
    op.add_column("id_token", sa.Column("merged_status", sa.Text, nullable=False, server_default=empty))
    op.add_column("id_token", sa.Column("reader_id_token", sa.Text, nullable=False, server_default=empty))
    op.add_column("id_token", sa.Column("reader_us", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.create_index("id_token_by_match", "id_token", ["tenant_id", "match_key"], unique=True)


def downgrade() -> None:
    op.drop_index("id_token_by_match", "id_token")
    for column in ("reader_us", "reader_id_token", "merged_status", "merged_into", "match_key"):
        op.drop_column("id_token", column)
