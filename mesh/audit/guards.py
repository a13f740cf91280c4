"""Tables and triggers of the audit, for the migrations of each service.

The triggers refuse to change what an entry says, to link it twice, and to remove one that its chain's head still
counts. An owner of the database can drop them: the chain of hashes, and its copy in notification_svc, show what was
done then.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from mesh.audit.chain import FIRST_HASH
from mesh.audit.entries import Change, Content
from mesh.identity.acting import ActorKind
from mesh.runtime.times import now_us

_POSTGRESQL = (
    """
    CREATE FUNCTION audit_entry_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        IF OLD.sequence IS NULL OR NOT EXISTS (
          SELECT 1 FROM audit_head WHERE audit_head.tenant_id = OLD.tenant_id
            AND audit_head.removed_through >= OLD.sequence
        ) THEN RAISE EXCEPTION 'audit entries are only appended'; END IF;
        RETURN OLD;
      END IF;
      IF OLD.sequence IS NOT NULL OR NEW.entry_id <> OLD.entry_id OR NEW.tenant_id <> OLD.tenant_id
         OR NEW.time_us <> OLD.time_us OR NEW.content <> OLD.content
      THEN RAISE EXCEPTION 'audit entries are only appended'; END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER audit_entry_guard BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_guard()
    """,
    """
    CREATE FUNCTION audit_head_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'audit entries are only appended'; END IF;
      IF NEW.tenant_id <> OLD.tenant_id OR NEW.sequence < OLD.sequence OR NEW.removed_through < OLD.removed_through
         OR NEW.removed_through > NEW.sequence
      THEN RAISE EXCEPTION 'audit entries are only appended'; END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER audit_head_guard BEFORE UPDATE OR DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_head_guard()
    """,
    # TRUNCATE runs no trigger of rows.
    """
    CREATE FUNCTION audit_truncate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit entries are only appended'; END $$
    """,
    """
    CREATE TRIGGER audit_truncate_guard BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_truncate_guard()
    """,
)
_SQLITE = (
    """
    CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
    WHEN OLD.sequence IS NOT NULL OR NEW.entry_id <> OLD.entry_id OR NEW.tenant_id <> OLD.tenant_id
      OR NEW.time_us <> OLD.time_us OR NEW.content <> OLD.content
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END
    """,
    """
    CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
    WHEN OLD.sequence IS NULL OR NOT EXISTS (
      SELECT 1 FROM audit_head WHERE audit_head.tenant_id = OLD.tenant_id
        AND audit_head.removed_through >= OLD.sequence
    )
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END
    """,
    """
    CREATE TRIGGER audit_head_no_update BEFORE UPDATE ON audit_head
    WHEN NEW.tenant_id <> OLD.tenant_id OR NEW.sequence < OLD.sequence OR NEW.removed_through < OLD.removed_through
      OR NEW.removed_through > NEW.sequence
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END
    """,
    """
    CREATE TRIGGER audit_head_no_delete BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END
    """,
)
_RECORDS_POSTGRESQL = (
    """
    CREATE FUNCTION audit_record_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' THEN
        IF NOT EXISTS (
          SELECT 1 FROM audit_record_start WHERE audit_record_start.tenant_id = OLD.tenant_id
            AND audit_record_start.source = OLD.source AND audit_record_start.removed_through >= OLD.sequence
        ) THEN RAISE EXCEPTION 'audit entries are only appended'; END IF;
        RETURN OLD;
      END IF;
      RAISE EXCEPTION 'audit entries are only appended';
    END $$
    """,
    """
    CREATE TRIGGER audit_record_guard BEFORE UPDATE OR DELETE ON audit_record
    FOR EACH ROW EXECUTE FUNCTION audit_record_guard()
    """,
    """
    CREATE TRIGGER audit_record_truncate_guard BEFORE TRUNCATE ON audit_record
    FOR EACH STATEMENT EXECUTE FUNCTION audit_truncate_guard()
    """,
)
_RECORDS_SQLITE = (
    """
    CREATE TRIGGER audit_record_no_update BEFORE UPDATE ON audit_record
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END
    """,
    """
    CREATE TRIGGER audit_record_no_delete BEFORE DELETE ON audit_record
    WHEN NOT EXISTS (
      SELECT 1 FROM audit_record_start WHERE audit_record_start.tenant_id = OLD.tenant_id
        AND audit_record_start.source = OLD.source AND audit_record_start.removed_through >= OLD.sequence
    )
    BEGIN SELECT RAISE(ABORT, 'audit entries are only appended'); END
    """,
)
_FUNCTIONS = ("audit_entry_guard", "audit_head_guard", "audit_truncate_guard")


def create_tables() -> None:
    """Makes both tables with their triggers and the writer's row: for `upgrade` of a migration."""
    key = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_entry",
        sa.Column("entry_id", number, primary_key=True, autoincrement=True),
        sa.Column("tenant_id", key, nullable=False),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("previous_hash", sa.Text),
        sa.Column("hash", sa.Text),
    )
    op.create_index("audit_entry_sequence", "audit_entry", ["tenant_id", "sequence"], unique=True)
    unlinked = sa.text("sequence IS NULL")
    op.create_index(
        "audit_entry_unlinked", "audit_entry", ["entry_id"], postgresql_where=unlinked, sqlite_where=unlinked
    )
    op.create_table(
        "audit_head",
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("removed_through", sa.BigInteger, nullable=False),
        sa.Column("removed_hash", sa.Text, nullable=False),
    )
    op.execute(f"INSERT INTO audit_head VALUES ('', 0, '{FIRST_HASH}', 0, '{FIRST_HASH}')")  # noqa: S608  # nosec B608
    for statement in _guards():
        op.execute(statement)


UPGRADE = "upgrade"
"""The action of entries about resources that were there before the audit."""
_ROWS = 1000


def record_present(resource_type: str, query: str, fields: Callable[[Any], dict[str, Any]]) -> None:
    """Adds an entry for each resource that is there: its state from before the upgrade follows from entries, too.

    `query` gives rows with tenant_id, resource and station_id (empty where none is concerned), and what `fields` makes
    the audited fields of.
    """
    connection, time_us = op.get_bind(), now_us()
    insert = sa.text("INSERT INTO audit_entry (tenant_id, time_us, content) VALUES (:tenant_id, :time_us, :content)")
    for rows in connection.execute(sa.text(query)).partitions(_ROWS):
        entries = [
            {"tenant_id": row.tenant_id, "time_us": time_us, "content": _present(resource_type, row, fields(row))}
            for row in rows
        ]
        connection.execute(insert, entries)


def _present(resource_type: str, row: Any, after: dict[str, Any]) -> str:
    content = Content(
        action=UPGRADE,
        actor_kind=ActorKind.SYSTEM,
        resource_type=resource_type,
        resource=row.resource,
        station_id=row.station_id,
        change=Change.CREATE,
        after=after,
    )
    return msgspec.json.encode(content).decode()


def guard_records() -> None:
    """Makes the triggers of `audit_record`, the copies of notification_svc: for `upgrade` of its migration."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _RECORDS_POSTGRESQL if is_postgresql else _RECORDS_SQLITE:
        op.execute(statement)


def drop_record_guard() -> None:
    """Removes the function of their triggers, after the table: for `downgrade` of the migration."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_record_guard()")


def drop_tables() -> None:
    """Removes them: for `downgrade` of a migration."""
    op.drop_table("audit_entry")
    op.drop_table("audit_head")
    if op.get_bind().dialect.name == "postgresql":
        for name in _FUNCTIONS:
            op.execute(f"DROP FUNCTION {name}()")


def _guards() -> Sequence[str]:
    return _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE
