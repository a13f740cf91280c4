"""Sites between the contract and rows, and the checks of what callers give."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from csms.station.v1 import site_pb2
from google.protobuf import json_format

from mesh.contract.requests import check_text
from mesh.identity.callers import Scope
from mesh.placements.conditions import is_site_id
from mesh.placements.store import sites_of
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import to_timestamp
from station_svc.core.labels import check_labels
from station_svc.features.sites.rows import NewSite, PlacementRow, SiteRow

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_USUAL_KIND = "site"
_MOST_NAME, _MOST_TEXT, _MOST_LINES, _MOST_PERIODS = 255, 255, 5, 50
_DAY_MIN = 24 * 60

Values = Mapping[str, Any]


def to_new_site(given: site_pb2.Site) -> NewSite:
    """A site to be added. Raises MeshError INVALID_FIELD."""
    if not is_site_id(given.site_id):
        raise invalid_field("site.site_id", "1 to 63 letters, digits, - and _ are needed, the first not - or _")
    values: dict[str, Any] = {}
    for path in CHANGES:
        values |= CHANGES[path](given)
    return NewSite(
        site_id=given.site_id,
        parent_site_id=given.parent_site_id,
        labels=check_labels("site.labels", given.labels),
        **values,
    )


def _kind(given: site_pb2.Site) -> Values:
    kind = given.kind or _USUAL_KIND
    if not _KIND.fullmatch(kind):
        raise invalid_field("site.kind", "a word of up to 40 small letters is needed, such as site, building or floor")
    return {"kind": kind}


def _display_name(given: site_pb2.Site) -> Values:
    check_text("site.display_name", given.display_name, most=_MOST_NAME)
    return {"display_name": given.display_name}


def _time_zone(given: site_pb2.Site) -> Values:
    name = given.time_zone
    try:
        # It is looked up as a file; a path out of the database is a ValueError, a name too long an OSError.
        known = not name or (len(name) <= _MOST_TEXT and ZoneInfo(name) is not None)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = False
    if not known:
        raise invalid_field("site.time_zone", "a name of the IANA time zone database is needed, such as Europe/Berlin")
    return {"time_zone": name}


def _coordinates(given: site_pb2.Site) -> Values:
    if not given.HasField("coordinates"):
        return {"latitude": None, "longitude": None}
    latitude, longitude = given.coordinates.latitude, given.coordinates.longitude
    if not -90 <= latitude <= 90:
        raise invalid_field("site.coordinates.latitude", "-90 to 90 degrees are needed")
    if not -180 <= longitude <= 180:
        raise invalid_field("site.coordinates.longitude", "-180 to 180 degrees are needed")
    return {"latitude": latitude, "longitude": longitude}


def _address(given: site_pb2.Site) -> Values:
    address = given.address
    if len(address.lines) > _MOST_LINES:
        raise invalid_field("site.address.lines", f"{_MOST_LINES} are the most")
    for index, line in enumerate(address.lines):
        check_text(f"site.address.lines[{index}]", line, most=_MOST_TEXT)
    for name in ("postal_code", "locality"):
        check_text(f"site.address.{name}", getattr(address, name), most=_MOST_TEXT)
    if address.country_code and not _COUNTRY.fullmatch(address.country_code):
        raise invalid_field("site.address.country_code", "two capital letters of ISO 3166 are needed, such as DE")
    return {"address": _to_json(address) if given.HasField("address") else ""}


def _contact(given: site_pb2.Site) -> Values:
    for name in ("name", "phone", "email"):
        check_text(f"site.contact.{name}", getattr(given.contact, name), most=_MOST_TEXT)
    return {"contact": _to_json(given.contact) if given.HasField("contact") else ""}


def _opening_periods(given: site_pb2.Site) -> Values:
    periods = given.opening_periods
    if len(periods) > _MOST_PERIODS:
        raise invalid_field("site.opening_periods", f"{_MOST_PERIODS} are the most")
    for index, period in enumerate(periods):
        field = f"site.opening_periods[{index}]"
        if not 1 <= period.weekday <= 7:
            raise invalid_field(f"{field}.weekday", "1 (Monday) to 7 (Sunday) is needed")
        if not 0 <= period.open_minute < period.close_minute <= _DAY_MIN:
            raise invalid_field(f"{field}.close_minute", f"up to {_DAY_MIN} is needed, and more than open_minute")
    return {"opening_periods": _to_json(site_pb2.Site(opening_periods=periods)) if periods else ""}


CHANGES: Mapping[str, Callable[[site_pb2.Site], Values]] = {
    "kind": _kind,
    "display_name": _display_name,
    "address": _address,
    "coordinates": _coordinates,
    "time_zone": _time_zone,
    "opening_periods": _opening_periods,
    "contact": _contact,
}
"""The fields that can be changed, beside labels, with the columns of each. Raise MeshError INVALID_FIELD."""


def to_site(row: SiteRow, scope: Scope) -> site_pb2.Site:
    """A site as a caller sees it: of the sites above it, those that its permission covers."""
    path = list(sites_of(row.path))
    while not scope.is_whole and path[0] not in scope.site_ids:
        del path[0]
    site = site_pb2.Site(
        site_id=row.site_id,
        parent_site_id=path[-2] if len(path) > 1 else "",
        kind=row.kind,
        display_name=row.display_name,
        time_zone=row.time_zone,
        labels=row.labels,
        path=path,
        effective_time_zone=row.effective_time_zone,
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
    )
    if row.latitude is not None and row.longitude is not None:
        site.coordinates.CopyFrom(site_pb2.Coordinates(latitude=row.latitude, longitude=row.longitude))
    if row.address:
        json_format.Parse(row.address, site.address, ignore_unknown_fields=True)
    if row.contact:
        json_format.Parse(row.contact, site.contact, ignore_unknown_fields=True)
    if row.opening_periods:
        site.MergeFrom(json_format.Parse(row.opening_periods, site_pb2.Site(), ignore_unknown_fields=True))
    return site


def to_placement(row: PlacementRow) -> site_pb2.StationPlacement:
    """A placement as the contract has it."""
    return site_pb2.StationPlacement(
        site_id=row.site_id,
        begin_time=to_timestamp(row.begin_us),
        end_time=None if row.end_us is None else to_timestamp(row.end_us),
        username=row.username,
    )


def _to_json(message: site_pb2.Site | site_pb2.SiteAddress | site_pb2.SiteContact) -> str:
    return json_format.MessageToJson(message, indent=None, preserving_proto_field_name=True)
