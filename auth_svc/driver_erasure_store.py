"""The SQL of erasures of drivers. Functions run inside a transaction that Database opens around them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from auth_svc.models import driver_erasure, driver_erasure_report, id_token
from mesh.contract.id_tokens import match_key


@dataclass(frozen=True, kw_only=True)
class ErasureReport:
    """The progress of a service with an erasure; `finish_us` None: something is left."""

    service: str
    removed_rows: int
    changed_rows: int
    waiting_rows: int
    finish_us: int | None


@dataclass(frozen=True, kw_only=True)
class DriverErasureRow:
    """An erasure. Id tokens and pseudonym are empty once it is finished."""

    tenant_id: str
    erasure_id: str
    id_tokens: tuple[str, ...] = field(repr=False)
    pseudonym: str = field(repr=False)
    create_us: int
    finish_us: int | None
    reports: tuple[ErasureReport, ...] = ()

    @property
    def ends(self) -> Mapping[str, int | None]:
        """When each service that has reported was done; None where something is left."""
        return {one.service: one.finish_us for one in self.reports}


def lock_tenant(connection: Connection, tenant_id: str) -> None:
    """Has this transaction alone begin an erasure of the tenant."""
    if connection.dialect.name == "postgresql":
        lock = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('driver_erasure:' || :tenant_id, 0))")
        connection.execute(lock, {"tenant_id": tenant_id})


def add(connection: Connection, erasure: DriverErasureRow) -> None:
    """Adds an erasure."""
    connection.execute(
        sa.insert(driver_erasure).values(
            tenant_id=erasure.tenant_id,
            erasure_id=erasure.erasure_id,
            id_tokens=msgspec.json.encode(erasure.id_tokens).decode(),
            pseudonym=erasure.pseudonym,
            create_us=erasure.create_us,
            finish_us=erasure.finish_us,
        )
    )


def get(
    connection: Connection, tenant_id: str, erasure_id: str, *, for_update: bool = False
) -> DriverErasureRow | None:
    """One erasure, or None."""
    table = driver_erasure.c
    query = sa.select(driver_erasure).where(table.tenant_id == tenant_id, table.erasure_id == erasure_id)
    rows = connection.execute(query.with_for_update() if for_update else query).mappings().all()
    return next(iter(_with_reports(connection, rows)), None)


def running(connection: Connection, *, tenant_id: str | None = None, limit: int) -> list[DriverErasureRow]:
    """Up to `limit` erasures that run, of a tenant or of all, the oldest first."""
    table = driver_erasure.c
    query = sa.select(driver_erasure).where(table.finish_us.is_(None))
    if tenant_id is not None:
        query = query.where(table.tenant_id == tenant_id)
    rows = connection.execute(query.order_by(table.create_us, table.erasure_id).limit(limit)).mappings().all()
    return _with_reports(connection, rows)


def list_erasures(
    connection: Connection, tenant_id: str, *, after: tuple[int, str] | None, limit: int
) -> list[DriverErasureRow]:
    """Up to `limit` erasures of a tenant beyond `after`, (create_us, erasure_id), newest first."""
    table = driver_erasure.c
    key = (table.create_us, table.erasure_id)
    query = sa.select(driver_erasure).where(table.tenant_id == tenant_id)
    if after is not None:
        query = query.where(sa.tuple_(*key) < sa.tuple_(*map(sa.literal, after)))
    rows = connection.execute(query.order_by(*(one.desc() for one in key)).limit(limit)).mappings().all()
    return _with_reports(connection, rows)


def save_report(connection: Connection, erasure: DriverErasureRow, report: ErasureReport) -> None:
    """Notes what a service did so far."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = asdict(report)
    statement = make(driver_erasure_report).values(tenant_id=erasure.tenant_id, erasure_id=erasure.erasure_id, **values)
    changes = {name: statement.excluded[name] for name in values if name != "service"}
    keys = ["tenant_id", "erasure_id", "service"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))


def finish(connection: Connection, erasure: DriverErasureRow, *, now_us: int) -> None:
    """Ends an erasure, and forgets whose it was."""
    table = driver_erasure.c
    mine = (table.tenant_id == erasure.tenant_id, table.erasure_id == erasure.erasure_id)
    connection.execute(sa.update(driver_erasure).where(*mine).values(id_tokens="[]", pseudonym="", finish_us=now_us))


def own_group(connection: Connection, tenant_id: str, text: str) -> str:
    """The group of an id token where no other id token is in it; else empty."""
    table = id_token.c
    key = match_key(text)
    rows = connection.execute(
        sa.select(table.group_id_token).where(
            table.tenant_id == tenant_id, table.match_key == key, table.group_id_token != ""
        )
    ).first()
    if rows is None:
        return ""
    group = str(rows[0])
    others = sa.select(table.id_token).where(
        table.tenant_id == tenant_id, sa.func.lower(table.group_id_token) == sa.func.lower(group)
    )
    is_shared = any(match_key(other) != key for (other,) in connection.execute(others))
    is_a_token = connection.execute(
        sa.select(table.token_key).where(table.tenant_id == tenant_id, table.match_key == match_key(group))
    ).first()
    return "" if is_shared or is_a_token is not None else group


def _with_reports(connection: Connection, rows: Sequence[sa.RowMapping]) -> list[DriverErasureRow]:
    table = driver_erasure_report.c
    keys = [(row["tenant_id"], row["erasure_id"]) for row in rows]
    query = sa.select(driver_erasure_report).where(sa.tuple_(table.tenant_id, table.erasure_id).in_(keys))
    reports: dict[tuple[str, str], list[ErasureReport]] = {}
    for row in connection.execute(query.order_by(table.service)).mappings():
        values = {name: row[name] for name in ErasureReport.__dataclass_fields__}
        reports.setdefault((row["tenant_id"], row["erasure_id"]), []).append(ErasureReport(**values))
    return [
        DriverErasureRow(
            **{**row, "id_tokens": msgspec.json.decode(row["id_tokens"], type=tuple[str, ...])},
            reports=tuple(reports.get(key, ())),
        )
        for row, key in zip(rows, keys, strict=True)
    ]
