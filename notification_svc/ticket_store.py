"""The SQL of tickets for streams of events. Functions run inside a transaction that Database opens around them."""

import sqlalchemy as sa
from sqlalchemy import Connection

from notification_svc.models import watch_ticket

_TABLE = watch_ticket.c


def add(
    connection: Connection, *, ticket_sha256: str, tenant_id: str, credential: str, expire_us: int, now_us: int
) -> None:
    """Adds a ticket, and removes those whose time is over: so there are never more than are made in that time."""
    connection.execute(sa.delete(watch_ticket).where(_TABLE.expire_us <= now_us))
    connection.execute(
        sa.insert(watch_ticket).values(
            ticket_sha256=ticket_sha256, tenant_id=tenant_id, credential=credential, expire_us=expire_us
        )
    )


def take(connection: Connection, *, ticket_sha256: str, now_us: int) -> str | None:
    """Removes a ticket and returns its credential; None where there is none, or its time is over."""
    row = connection.execute(
        sa.delete(watch_ticket)
        .where(_TABLE.ticket_sha256 == ticket_sha256)
        .returning(_TABLE.credential, _TABLE.expire_us)
    ).first()
    return None if row is None or row.expire_us <= now_us else str(row.credential)
