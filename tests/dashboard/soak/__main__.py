"""Measures the dashboard with a large fleet: `python -m tests.dashboard.soak`, `make soak-dashboard`.

A PostgreSQL of its own, the whole mesh with its front door, and Chromium. The figures go to `benchmarks/results/`,
with the commit and the machine.
"""

import argparse
import json
import os
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from benchmarks.postgres import postgres
from benchmarks.report import machine, say
from benchmarks.turns import RESULTS, git
from tests.dashboard.browsers import open_context, running_browser, sign_in
from tests.dashboard.soak.events import SteadyEvents
from tests.dashboard.soak.pages import PAGES, count_rows, heaps, painted, read_all_rows, scrolled, watch
from tests.dashboard.soak.rows import FIRST_NUMBER, station_id
from tests.dashboard.soak.seed_store import SeedStore
from tests.running_mesh import RunningMesh, running_mesh

_SIZE: ViewportSize = {"width": 1440, "height": 900}
_PATIENCE_MS = 120_000.0
_EMPTY = "/none"
# Requests of one address, and of one caller, are limited; a page that loads ten thousand rows stays within that.
_SETTINGS = {"CSMS_DEMO": "1", "CSMS_UNKNOWN_TOKENS": "accept"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=10_000)
    parser.add_argument("--transactions", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=200.0, help="events a second")
    parser.add_argument("--for", type=float, default=600.0, dest="for_s", help="seconds in which the heap is measured")
    parser.add_argument("--dry", action="store_true", help="print the figures and write no file")
    return parser.parse_args()


def _page(context: BrowserContext) -> Page:
    page = context.new_page()
    watch(page)
    return page


def _paths() -> list[str]:
    newest = f"/stations/{station_id(0)}/sessions/{FIRST_NUMBER}"
    return [*PAGES, f"/stations/{station_id(0)}", f"/stations/{station_id(0)}?tab=commands", newest]


def _paints(context: BrowserContext) -> dict[str, Any]:
    """Each page, in a tab of its own that has nothing in memory; files come from the cache of the browser."""
    found = {}
    for path in (_EMPTY, *_paths()):
        page = _page(context)
        found[path] = asdict(painted(page, path))
        say(f"{path}: {found[path]['useful_ms']:.0f} ms, {found[path]['dom_nodes']} nodes")
        page.close()
    return found


def _scrolls(context: BrowserContext, for_s: float, stations: int) -> dict[str, Any]:
    """The list of stations with all of its rows, and that of sessions as far as it is scrolled."""
    found = {}
    for path, all_rows in (("/stations?sort=name", True), ("/sessions", False)):
        page = _page(context)
        begin_s = time.monotonic()
        painted(page, path)
        if all_rows:
            read_all_rows(page, stations)
        loaded_s = round(time.monotonic() - begin_s, 1)
        found[path] = {"loaded_s": loaded_s, **scrolled(page, for_s)}
        found[path]["rows"] = count_rows(page)
        found[path]["dom_nodes"] = page.evaluate("document.querySelectorAll('*').length")
        say(f"{path}: {found[path]}")
        page.close()
    return found


def _heaps(context: BrowserContext, url: str, options: argparse.Namespace) -> dict[str, Any]:
    """The heaps of three pages under events, beside that of a page of the dashboard that shows nothing."""
    paths = {"empty": _EMPTY, "stations": "/stations?sort=name", "needs_a_hand": "/", "events": "/events"}
    pages = {}
    for name, path in paths.items():
        pages[name] = _page(context)
        painted(pages[name], path)
    read_all_rows(pages["stations"], options.stations)
    store = SeedStore(url)
    before, begin_s = store.event_count(), time.monotonic()
    with SteadyEvents(url, stations=options.stations, rate=options.rate) as events:
        samples = heaps(pages, for_s=options.for_s, every_s=max(5.0, options.for_s / 20))
        took_s = time.monotonic() - begin_s
        delivered = store.event_count() - before
    store.close()
    live = pages["stations"].get_by_role("button", name="Live", exact=True).count() == 1
    return {
        "appended_per_s": round(events.appended / took_s, 1),
        "delivered_per_s": round(delivered / took_s, 1),
        "still_live": live,
        "samples_mb": samples,
        "growth_mb": {name: round(samples[-1][name] - samples[1][name], 2) for name in pages},
    }


def _measured(browser: Browser, mesh: RunningMesh, url: str, options: argparse.Namespace) -> dict[str, Any]:
    with open_context(
        browser,
        timer_share=None,
        base_url=mesh.http_url,
        viewport=_SIZE,
        locale="en-GB",
        timezone_id="Europe/Berlin",
    ) as context:
        context.set_default_timeout(_PATIENCE_MS)
        sign_in(context.new_page(), "/", username="admin", password=mesh.admin_password)
        return {
            "pages": _paints(context),
            "scrolling": _scrolls(context, 10.0, options.stations),
            "heap": _heaps(context, url, options),
        }


def main() -> None:
    """Runs the whole of it."""
    options = _options()
    commit = git("rev-parse", "--short", "HEAD")  # what is measured, whatever is committed meanwhile
    with tempfile.TemporaryDirectory(prefix="csms-soak-") as name:
        directory = Path(name)
        with (
            postgres(directory) as database,
            running_mesh(directory / "mesh", CSMS_DATABASE_URL=str(database.url), **_SETTINGS) as mesh,
            running_browser() as browser,
        ):
            begin_s = time.monotonic()
            store = SeedStore(str(database.url))
            store.seed(options.stations, options.transactions, min(options.transactions, options.stations // 10))
            store.close()
            seeded_s = round(time.monotonic() - begin_s, 1)
            say(f"seeded in {seeded_s} s")
            document = {
                "commit": commit,
                **machine(),
                "browser": browser.version,
                # Of the machine, before the pages are measured: others may work on it.
                "load": [round(one, 1) for one in os.getloadavg()],
                "stations": options.stations,
                "transactions": options.transactions,
                "events_per_s": options.rate,
                "for_s": options.for_s,
                "seeded_s": seeded_s,
                **_measured(browser, mesh, str(database.url), options),
            }
    text = json.dumps(document, indent=2) + "\n"
    say(text)
    if not options.dry:
        (RESULTS / f"dashboard-{document['commit']}.json").write_text(text)


if __name__ == "__main__":
    main()
