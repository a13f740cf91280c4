"""The SQL of meter profiles. Functions run inside a transaction that Database opens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.audit import entries as audit
from mesh.database.filters import Field
from mesh.database.rowset import RowStatement, columns_of
from transaction_svc import models
from transaction_svc.models import meter_profile

ANY = ""


class Identity(NamedTuple):
    """The stations of a profile. Vendor, model and firmware are normalized for comparison; `ANY` fits any."""

    station_id: str
    vendor: str
    model: str
    firmware: str


@dataclass(frozen=True, kw_only=True)
class MeterProfile:
    """A profile; enumerations are numbered as in csms.transaction.v1.

    vendor_name, model and firmware_version are as an operator wrote them; the keys are normalized for comparison.
    """

    tenant_id: str
    profile_id: str
    station_id: str
    vendor_name: str
    model: str
    firmware_version: str
    vendor_key: str
    model_key: str
    firmware_key: str
    evse_kind: int
    max_power_w: int  # 0: the setting for the kind of EVSE
    begin_end_exponent: int | None
    sampled_exponent: int | None
    register_source: int
    register_location: int | None  # as in the number of a series
    zero_begin: int
    update_us: int
    updated_by: str

    @property
    def identity(self) -> Identity:
        """The stations that the profile applies to."""
        return Identity(self.station_id, self.vendor_key, self.model_key, self.firmware_key)

    @property
    def sort_key(self) -> tuple[str, str, str, str]:
        """Its position in lists."""
        return self.vendor_key, self.model_key, self.firmware_key, self.station_id


_SORT_KEY = (
    meter_profile.c.vendor_key,
    meter_profile.c.model_key,
    meter_profile.c.firmware_key,
    meter_profile.c.station_id,
)
_COLUMNS = tuple(column.name for column in meter_profile.c)
_NAMES = ", ".join(_COLUMNS)
# Fetched without a prepared plan, which is rare: a cached plan could be one for a table that was still empty.
_OF_TENANTS = RowStatement(
    f"""
    SELECT {", ".join(f"p.{name}" for name in _COLUMNS)}
    FROM {{rows}} JOIN meter_profile p ON p.tenant_id = rows.tenant_id
    """,  # noqa: S608 - the project's own column names
    tenant_id="text",
)
_IDENTITIES = RowStatement(
    """
    SELECT s.tenant_id, s.station_id, s.vendor_name, s.model, s.firmware_version
    FROM {rows} JOIN station s ON s.tenant_id = rows.tenant_id AND s.station_id = rows.station_id
    """,
    **columns_of(models.station, "tenant_id", "station_id"),
)
_KEY = ("tenant_id", "profile_id")
_SET = RowStatement(
    f"""
    INSERT INTO meter_profile ({_NAMES}) SELECT {_NAMES} FROM {{rows}} WHERE true
    ON CONFLICT (tenant_id, profile_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _KEY)}
    """,  # noqa: S608 - the project's own column names
    **{column.name: "bigint" if isinstance(column.type, sa.Integer) else "text" for column in meter_profile.c},
)

FILTERS: Mapping[str, Field] = {
    "station_id": Field(meter_profile.c.station_id),
    "vendor_name": Field(meter_profile.c.vendor_key, str.casefold),
    "model": Field(meter_profile.c.model_key, str.casefold),
    "firmware_version": Field(meter_profile.c.firmware_key, str.casefold),
}
"""Fields of filters."""


def profiles_of(connection: Connection, tenants: Iterable[str]) -> Sequence[MeterProfile]:
    """All profiles of tenants."""
    rows = _OF_TENANTS.fetch(connection, [{"tenant_id": tenant_id} for tenant_id in tenants])
    return [_profile(row) for row in rows]


def identities(
    connection: Connection, stations: Iterable[tuple[str, str]]
) -> Mapping[tuple[str, str], tuple[str, str, str]]:
    """Vendor, model and firmware version of stations, from their latest boots."""
    rows = [{"tenant_id": tenant_id, "station_id": station_id} for tenant_id, station_id in stations]
    return {
        (tenant_id, station_id): (vendor_name, model, firmware_version)
        for tenant_id, station_id, vendor_name, model, firmware_version in _IDENTITIES.fetch(connection, rows)
    }


def set_profile(connection: Connection, profile: MeterProfile, *, limit: int) -> bool:
    """Creates or replaces a profile; False where it would be one more than `limit` of its tenant."""
    before = get_profile(connection, profile.tenant_id, profile.profile_id)
    if before is None:
        query = sa.select(sa.func.count()).where(meter_profile.c.tenant_id == profile.tenant_id)
        if connection.execute(query).scalar_one() >= limit:
            return False
    _SET.run(connection, [asdict(profile)])
    _audit(connection, before, profile)
    return True


def get_profile(connection: Connection, tenant_id: str, profile_id: str) -> MeterProfile | None:
    """One profile, or None."""
    query = sa.select(meter_profile).where(
        meter_profile.c.tenant_id == tenant_id, meter_profile.c.profile_id == profile_id
    )
    row = connection.execute(query).first()
    return None if row is None else _profile(row)


def list_profiles(
    connection: Connection,
    tenant_id: str,
    *,
    condition: ColumnElement[bool] | None,
    after: tuple[str, str, str, str] | None,
    most: int,
) -> Sequence[MeterProfile]:
    """Up to `most` profiles in their order; `after` is the sort key of the last one of the page before."""
    query = sa.select(meter_profile).where(meter_profile.c.tenant_id == tenant_id)
    if condition is not None:
        query = query.where(condition)
    if after is not None:
        query = query.where(sa.tuple_(*_SORT_KEY) > after)
    return [_profile(row) for row in connection.execute(query.order_by(*_SORT_KEY).limit(most))]


def delete_profile(connection: Connection, tenant_id: str, profile_id: str) -> bool:
    """Removes a profile; False where there was none."""
    before = get_profile(connection, tenant_id, profile_id)
    query = sa.delete(meter_profile).where(
        meter_profile.c.tenant_id == tenant_id, meter_profile.c.profile_id == profile_id
    )
    if connection.execute(query).rowcount == 0 or before is None:
        return False
    _audit(connection, before, None)
    return True


_AUDITED = (
    "station_id",
    "vendor_name",
    "model",
    "firmware_version",
    "evse_kind",
    "max_power_w",
    "begin_end_exponent",
    "sampled_exponent",
    "register_source",
    "register_location",
    "zero_begin",
)


def audited_fields(profile: MeterProfile) -> dict[str, Any]:
    """The audited fields of a profile, by the names of their columns."""
    return {name: getattr(profile, name) for name in _AUDITED}


_audit = partial(
    audit.row_changed,
    resource_type="meter_profile",
    resource=lambda row: row.profile_id,
    station=lambda row: row.station_id,
    image=audited_fields,
)


def _profile(row: Any) -> MeterProfile:
    return MeterProfile(**dict(zip(_COLUMNS, row, strict=True)))
