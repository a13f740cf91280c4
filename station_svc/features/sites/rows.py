"""Sites as rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class NewSite:
    """A site that is about to be added. Address, contact and opening periods are JSON, or empty."""

    site_id: str
    parent_site_id: str
    kind: str
    display_name: str
    time_zone: str
    latitude: float | None
    longitude: float | None
    address: str
    contact: str
    opening_periods: str
    labels: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SiteRow(NewSite):
    """A site. `effective_time_zone` is its own, or that of the nearest one above it that has one."""

    path: str
    create_us: int
    update_us: int
    effective_time_zone: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PlacementRow:
    """A time in which a station stood in a site."""

    version: int
    site_id: str
    begin_us: int
    end_us: int | None
    username: str
