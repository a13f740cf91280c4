"""Pages of the lists of one station, and station ids to look up."""

from collections.abc import Callable
from typing import Any

from mesh.database import pages
from station_svc.core.rows import Page
from station_svc.core.station_store import not_found

FRAME_KEY = (int, int)
"""The key of a row of a station's history within a page token: (epoch, ordinal)."""


def page_of(
    request: Any, key: tuple[type, ...], *, default: int = 50, filter_text: str = "", condition: Any = None
) -> Page:
    """The page of a station's list for a request: one row more than fits, to see whether there is a next page.

    `request` has station_id, page_size and page_token; `key` are the types of a row's key in the order of the list.
    """
    return Page(
        limit=pages.page_size(request.page_size, default=default) + 1,
        after=pages.decode_token(request.page_token, key, binding=_binding(request, filter_text)),
        condition=condition,
    )


def cut(
    request: Any,
    rows: Any,
    page: Page,
    key: Callable[[Any], Any],
    *,
    filter_text: str = "",
    text: Callable[[Any], str] | None = None,
) -> tuple[Any, str]:
    """The rows of the page, and the token of the next one; `text` is what makes a row large, where something does."""
    return pages.cut_page(rows, page.limit - 1, key, binding=_binding(request, filter_text), text=text)


def storable(station_id: str) -> str:
    """A station id to look up. PostgreSQL does not accept NUL, and no station id has one: STATION_NOT_FOUND."""
    if "\0" in station_id:
        raise not_found(station_id)
    return station_id


def _binding(request: Any, filter_text: str) -> str:
    return f"{request.station_id}\n{filter_text}"
