"""The look of a user name, so that no other looks like it; the secret that a session's present one replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_KNOWN = sa.text("username_skeleton <> ''")


def upgrade() -> None:
    skeleton = sa.Column("username_skeleton", _FOLDED, nullable=False, server_default=sa.text("''"))
    op.add_column("user_account", skeleton)
    op.create_index(
        "user_account_skeleton",
        "user_account",
        ["username_skeleton"],
        unique=True,
        postgresql_where=_KNOWN,
        sqlite_where=_KNOWN,
    )
    previous = sa.Column("previous_hash", sa.Text, nullable=False, server_default=sa.text("''"))
    op.add_column("session", previous)


def downgrade() -> None:
    op.drop_column("session", "previous_hash")
    op.drop_index("user_account_skeleton", "user_account")
    op.drop_column("user_account", "username_skeleton")
