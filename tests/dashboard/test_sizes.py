"""Bounds of what a browser loads, compressed as the front door does it."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy.pages import LEVEL

BUILT = Path(__file__).resolve().parents[2] / "dashboard" / "pages"
CHUNKS: dict[str, Any] = json.loads((BUILT / "chunks.json").read_text())
ENTRY = "index.html"
FIRST_VIEW_KB, ROUTE_KB = 250, 120
# The first view begins with it; tests/dashboard/test_page_loads.py measures the page behind it, too.
SIGN_IN = "src/capabilities/sign_in/SignInPage.tsx"


def _files(key: str) -> set[str]:
    """The files that a chunk needs: its own, its styles, and those of the chunks that it imports."""
    seen: set[str] = set()
    due = [key]
    while due:
        chunk = due.pop()
        if chunk not in seen:
            seen.add(chunk)
            due.extend(CHUNKS[chunk].get("imports", ()))
    return {name for each in seen for name in (CHUNKS[each]["file"], *CHUNKS[each].get("css", ()))}


def _lazy() -> list[str]:
    return [key for key, chunk in CHUNKS.items() if chunk.get("isDynamicEntry") or chunk.get("isWorkerEntry")]


def _first_view() -> set[str]:
    return {"index.html"}.union(*map(_files, (ENTRY, SIGN_IN)))


def _page_of(key: str) -> set[str]:
    """The files of the page that a dialog belongs to, which has been loaded before it."""
    if not key.endswith("Dialog.tsx"):
        return set()
    folder = key.rpartition("/")[0]
    pages = [name for name in CHUNKS[key].get("imports", ()) if name.startswith(folder) and name.endswith("Page.tsx")]
    return set().union(*map(_files, pages))


def _kb(names: Iterable[str]) -> float:
    return sum(len(gzip.compress((BUILT / name).read_bytes(), compresslevel=LEVEL)) for name in names) / 1000


def test_the_first_view_is_small() -> None:
    size = _kb(_first_view())
    assert 10 < size <= FIRST_VIEW_KB, f"{size:.0f} KB"


def test_each_further_route_and_worker_is_small() -> None:
    """By itself: without what the first view has loaded, and a dialog without its page."""
    sizes = {key: _kb(_files(key) - _first_view() - _page_of(key)) for key in _lazy()}
    assert {key: f"{size:.0f} KB" for key, size in sizes.items() if size > ROUTE_KB} == {}


def test_each_file_is_counted_somewhere() -> None:
    """Icons and such, which the two sums leave out, have a bound of their own."""
    counted = _first_view().union(*map(_files, CHUNKS))
    rest = {path.relative_to(BUILT).as_posix() for path in (BUILT / "assets").iterdir()} - counted
    assert _kb(rest) <= ROUTE_KB, rest
