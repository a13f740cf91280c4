"""Pages of the lists of one station, and station ids to look up."""

from typing import Any

from mesh.contract.texts import is_storable
from mesh.database import pages
from mesh.database.pages import Page
from mesh.grpc.station_scopes import ALL_STATIONS
from station_svc.core.station_store import not_found

FRAME_KEY = (int, int)
"""The key of a row of a station's history within a page token: (epoch, ordinal)."""


def page_of(request: Any, key: tuple[type, ...], *, default: int = 50, condition: Any = None) -> Page:
    """The page that a request for a list of one station asks for.

    `request` has station_id, page_size and page_token, and may have a filter, of which `condition` is made; `key` are
    the types of a row's key in the order of the list.
    """
    binding = f"{request.station_id}\n{getattr(request, 'filter', '')}"
    return pages.page_of(request, key, binding=binding, condition=condition, default=default)


def one_or_all(station_id: str) -> str | None:
    """The station that a list is of, to look up; None for all. Raises MeshError STATION_NOT_FOUND as `storable`."""
    return None if station_id == ALL_STATIONS else storable(station_id)


def storable(station_id: str) -> str:
    """A station id to look up. Raises MeshError STATION_NOT_FOUND for one that no station can have."""
    if not is_storable(station_id):
        raise not_found(station_id)
    return station_id
