"""The SQL that makes several stored forms of an id token one. Runs in housekeeping, in transactions of some rows each.

Rows that were stored before forms were compared (mesh/contract/id_tokens.py) have no match_key. Each gets its own, or,
where another row is the same token already, becomes a form of that one: the stricter of both holds from then on, and
the pair is listed. Its own row stays for builds that find tokens by token_key, and follows the other.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from auth_svc import id_token_store, models
from auth_svc.common_store import event
from auth_svc.id_token_store import audit_change
from mesh.contract.id_tokens import match_key
from mesh.events import outbox

# From the least strict to the strictest.
_STRICTNESS = (
    "Accepted",
    "Unknown",
    "NotAtThisTime",
    "NotAtThisLocation",
    "NotAllowedTypeEVSE",
    "NoCredit",
    "Invalid",
    "Expired",
    "Blocked",
)


def adopt_id_tokens(connection: Connection, *, limit: int, now_us: int) -> int:
    """Gives up to `limit` rows their match_key, or merges them; returns how many. 0: all have theirs."""
    table = models.id_token
    # Backwards: of an eMAID the form without hyphens, which readers send, comes first and stays.
    query = (
        sa.select(table)
        .where(table.c.match_key.is_(None), table.c.merged_into == "")
        .order_by(table.c.tenant_id, table.c.token_key.desc())
        .limit(limit)
        .with_for_update()
    )
    rows = connection.execute(query).mappings().all()
    for row in rows:
        key = match_key(row["id_token"])
        same = sa.select(table).where(table.c.tenant_id == row["tenant_id"], table.c.match_key == key)
        other = connection.execute(same.with_for_update()).mappings().first()
        if other is None:
            connection.execute(sa.update(table).where(_is(row)).values(match_key=key))
        else:
            _merge(connection, other, row, now_us)
    return len(rows)


def _merge(connection: Connection, kept: Any, merged: Any, now_us: int) -> None:
    """Makes `merged` a form of `kept`."""
    table = models.id_token
    common = {
        "status": max(kept["status"], merged["status"], key=_strictness),
        "expire_us": min((one for one in (kept["expire_us"], merged["expire_us"]) if one is not None), default=None),
        "max_concurrent_transactions": _fewer(
            kept["max_concurrent_transactions"], merged["max_concurrent_transactions"]
        ),
        "group_id_token": kept["group_id_token"] or merged["group_id_token"],
        "display_name": kept["display_name"] or merged["display_name"],
        "type": kept["type"] or merged["type"],
        "language": kept["language"] or merged["language"],
        "personal_message": kept["personal_message"] or merged["personal_message"],
        "update_us": now_us,
    }
    connection.execute(sa.update(table).where(_is(kept)).values(**common))
    beside = {"merged_into": kept["token_key"], "merged_status": merged["status"]}
    connection.execute(sa.update(table).where(_is(merged)).values(**common, **beside))
    data = {
        "idToken": kept["id_token"],
        "status": common["status"],
        "statusBefore": kept["status"],
        "mergedIdToken": merged["id_token"],
        "mergedStatus": merged["status"],
    }
    outbox.append(connection, [event("id_token.merged", kept["tenant_id"], now_us, data)])
    before = id_token_store.of_row(kept)
    audit_change(connection, before, id_token_store.of_row({**kept, **common}), time_us=now_us)
    audit_change(connection, id_token_store.of_row(merged), None, time_us=now_us)


def _strictness(status: str) -> int:
    return _STRICTNESS.index(status) if status in _STRICTNESS else len(_STRICTNESS)


def _fewer(one: int | None, other: int | None) -> int | None:
    """The smaller limit: 0 is none at all, and None the setting's, which is less strict than a limit of its own."""
    limits = [limit for limit in (one, other) if limit]
    return min(limits) if limits else None if None in {one, other} else 0


def _is(row: Any) -> sa.ColumnElement[bool]:
    table = models.id_token.c
    return sa.and_(table.tenant_id == row["tenant_id"], table.token_key == row["token_key"])
