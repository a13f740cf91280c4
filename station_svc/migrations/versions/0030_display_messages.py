"""Messages on the displays of stations."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _display_message()


def downgrade() -> None:
    op.drop_table("display_message")


def _display_message() -> None:
    op.create_table(
        "display_message",
        *_keys("tenant_id", "station_id"),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        *map(_small, ("priority", "shown_state")),
        sa.Column("start_us", sa.BigInteger),
        sa.Column("end_us", sa.BigInteger),
        *map(_text, ("transaction_id", "display")),
        _small("format"),
        *map(_text, ("language", "content")),
        *map(_small, ("state", "answer", "station_made")),
        sa.Column("report_id", sa.BigInteger),
        sa.Column("doubt_us", sa.BigInteger),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )
    op.create_index("display_message_age", "display_message", ["update_us"])


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _KEY, primary_key=True) for name in names]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))
