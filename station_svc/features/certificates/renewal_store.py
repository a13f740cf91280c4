"""The SQL of renewals of certificates. Each function is part of a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from station_svc.core.models import station
from station_svc.core.rows import Frame
from station_svc.features.certificates.models import certificate_request

_KEY = ("tenant_id", "station_id", "epoch", "ordinal")


@dataclass(frozen=True, kw_only=True)
class DueCertificate:
    """A certificate that its station is to renew before `expire_us`."""

    tenant_id: str
    station_id: str
    certificate_type: int
    expire_us: int


def schedule(connection: Connection, frame: Frame, certificate_type: int, *, now_us: int) -> None:
    """Notes when the certificate of a frame's request, which its station has taken, is to be renewed.

    It is the only one of its use that is renewed: the station no longer uses those of before.
    """
    table = certificate_request.c
    of_use = sa.and_(
        table.tenant_id == frame.tenant_id,
        table.station_id == frame.station_id,
        table.certificate_type == certificate_type,
    )
    is_it = sa.and_(of_use, table.epoch == frame.epoch, table.ordinal == frame.ordinal)
    connection.execute(sa.update(certificate_request).where(of_use, table.renew_us.is_not(None)).values(renew_us=None))
    two_thirds_us = table.expire_us - (table.expire_us - sa.literal(now_us, sa.BigInteger)) / 3
    connection.execute(sa.update(certificate_request).where(is_it).values(renew_us=two_thirds_us))


def take_due(connection: Connection, *, now_us: int, again_us: int, limit: int) -> Sequence[DueCertificate]:
    """Up to `limit` certificates that are due, of stations that there are; each is due again at `again_us`.

    One that has ended is due no more: its station can no longer connect with it.
    """
    table = certificate_request.c
    key = [table[name] for name in _KEY]
    due = sa.select(*key).where(table.renew_us <= now_us).order_by(table.renew_us).limit(limit)
    keys = [tuple(row) for row in connection.execute(due.with_for_update(skip_locked=True))]
    if not keys:
        return ()
    next_us = sa.case((table.expire_us > again_us, sa.literal(again_us, sa.BigInteger)), else_=sa.null())
    taken = (
        sa.update(certificate_request)
        .where(sa.tuple_(*key).in_(keys))
        .values(renew_us=next_us)
        .returning(table.tenant_id, table.station_id, table.certificate_type, table.expire_us)
    )
    rows = [DueCertificate(**row) for row in connection.execute(taken).mappings()]
    known = sa.select(station.c.tenant_id, station.c.station_id).where(
        sa.tuple_(station.c.tenant_id, station.c.station_id).in_({(row.tenant_id, row.station_id) for row in rows})
    )
    present = {tuple(row) for row in connection.execute(known)}
    return [row for row in rows if row.expire_us > now_us and (row.tenant_id, row.station_id) in present]
