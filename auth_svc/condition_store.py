"""The SQL of conditions: what needs a person among id tokens and certificates, one query for each kind.

mesh/conditions/queries.py adds order and pages around them.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from auth_svc.models import issued_certificate, seen_token
from mesh.conditions.queries import key_columns, time_columns
from mesh.runtime.times import DAY_US

_SEEN_US = 7 * DAY_US
_EXPIRING_US = 30 * DAY_US
_EXPIRED_US = 90 * DAY_US


def unknown_tokens(tenant_id: str, now_us: int, *, is_accepted: bool) -> sa.Select[Any]:
    """Id tokens that stations requested lately and that nobody has added; none where these are accepted."""
    query = sa.select(
        *key_columns(seen_token.c.station_id, seen_token.c.token_key),
        *time_columns(seen_token.c.first_us, seen_token.c.last_us, seen_token.c["count"]),
        seen_token.c.id_token,
        seen_token.c.type,
        seen_token.c.evse_id,
        seen_token.c.connector_id,
    ).where(seen_token.c.tenant_id == tenant_id, seen_token.c.last_us > now_us - _SEEN_US)
    return query.where(sa.false()) if is_accepted else query


def expiring_certificates(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Certificates of stations that end soon, that no other has replaced, and that are not revoked."""
    end_us = issued_certificate.c.expire_us
    near = sa.and_(end_us > now_us, end_us <= now_us + _EXPIRING_US)
    begin_us = end_us - sa.literal(_EXPIRING_US, sa.BigInteger)
    return _newest(tenant_id, begin_us).where(near)


def expired_certificates(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Certificates of stations that have ended, that no other has replaced, and that were not revoked."""
    end_us = issued_certificate.c.expire_us
    return _newest(tenant_id, end_us).where(end_us <= now_us, end_us > now_us - _EXPIRED_US)


def _newest(tenant_id: str, begin_us: ColumnElement[Any]) -> sa.Select[Any]:
    later = issued_certificate.alias("later")
    is_replaced = sa.exists().where(
        later.c.tenant_id == tenant_id,
        later.c.station_id == issued_certificate.c.station_id,
        later.c.certificate_type == issued_certificate.c.certificate_type,
        later.c.expire_us > issued_certificate.c.expire_us,
        later.c.revoke_us.is_(None),
    )
    return sa.select(
        *key_columns(issued_certificate.c.station_id, issued_certificate.c.serial_number),
        *time_columns(begin_us, begin_us),
        issued_certificate.c.certificate_type,
        issued_certificate.c.expire_us,
        issued_certificate.c.subject,
    ).where(issued_certificate.c.tenant_id == tenant_id, issued_certificate.c.revoke_us.is_(None), ~is_replaced)
