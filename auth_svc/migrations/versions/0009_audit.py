"""The audit: entries that are only appended, the heads of their chains; the actor of events."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from mesh.audit import guards

revision = "0009"
down_revision = "0008"


_USERS = "SELECT tenant_id, username AS resource, '' AS station_id, role FROM user_account"
_ROLES = {1: "VIEWER", 2: "OPERATOR", 3: "ADMINISTRATOR"}
_TOKENS = """
    SELECT tenant_id, id_token AS resource, '' AS station_id, type, status, expire_us, group_id_token, display_name,
           max_concurrent_transactions
    FROM id_token WHERE merged_into = ''
    """
_TOKEN_FIELDS = ("type", "status", "expire_us", "group_id_token", "display_name", "max_concurrent_transactions")


def _user(row: Any) -> dict[str, Any]:
    return {"role": _ROLES.get(row.role, "")}


def _token(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _TOKEN_FIELDS}


def upgrade() -> None:
    guards.create_tables()
    guards.record_present("user", _USERS, _user)
    guards.record_present("id_token", _TOKENS, _token)
    op.add_column("outbox", sa.Column("actor", sa.Text))


def downgrade() -> None:
    op.drop_column("outbox", "actor")
    guards.drop_tables()
