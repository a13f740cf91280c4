"""Measures pages in a browser: the first useful paint, frames while scrolling, the heap."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Page

from benchmarks.figures import percentile
from tests.dashboard.browsers import QUIET_MS, is_rendered

# Each page of the rail, and one station and one session.
PAGES = (
    *("/", "/stations", "/sessions", "/sites", "/sites/map", "/tokens", "/rollouts", "/reports", "/events"),
    *("/quarantine", "/users", "/audit"),
)
# A cell, an entry, a fact or a sentence of the page itself: something to read beside heading and tools.
USEFUL = ":is([role=gridcell], [role=treeitem], [role=row] td, dd, li, figure, form, p)"
_WATCH = f"""
(() => {{
  const look = () => {{
    const main = document.querySelector("main");
    if (main?.querySelector("h1") && main.querySelector("{USEFUL}") && !main.querySelector("[role=status] div")) {{
      requestAnimationFrame(() => {{ globalThis.usefulMs = performance.now(); }});
    }} else requestAnimationFrame(look);
  }};
  requestAnimationFrame(look);
}})();
"""
# The longest list of the page.
_FIND_SCROLLER = """
  const scroller = [...document.querySelectorAll("main, main *")]
    .filter((one) => one.scrollHeight > one.clientHeight + 200)
    .sort((a, b) => b.scrollHeight - a.scrollHeight)[0];
"""
_COUNT_ROWS = "Number(document.querySelector('main [role=grid]')?.getAttribute('aria-rowcount'))"
_SCROLL_TO_END = f"""(rows) => {{
  {_FIND_SCROLLER}
  if (scroller) scroller.scrollTop = scroller.scrollHeight;
  return {_COUNT_ROWS} > rows;
}}"""
_SCROLL = (
    f"(forMs) => new Promise((resolve) => {{{_FIND_SCROLLER}"
    """
  if (!scroller) { resolve([]); return; }
  const frames = [];
  let direction = 1;
  const begin = performance.now();
  let before = begin;
  const step = (now) => {
    frames.push(now - before);
    before = now;
    if (now - begin > forMs) { resolve(frames.slice(1)); return; }
    const last = scroller.scrollHeight - scroller.clientHeight;
    if (scroller.scrollTop >= last - 1) direction = -1;
    if (scroller.scrollTop <= 0) direction = 1;
    scroller.scrollTop += direction * 240;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""
)
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Painted:
    """Milliseconds from the begin of a navigation, and the size of the document then."""

    first_contentful_ms: float
    useful_ms: float
    quiet_ms: float
    dom_nodes: int
    requests: int


def watch(page: Page) -> None:
    """Has each document of the page note when it first showed something useful."""
    page.add_init_script(_WATCH)


def painted(page: Page, path: str) -> Painted:
    """Opens a page anew and waits until it shows something useful."""
    requests: list[str] = []

    def count(request: Any) -> None:
        requests.append(request.url)

    page.on("request", count)
    page.goto(path)
    page.wait_for_function("() => globalThis.usefulMs !== undefined", timeout=120_000)
    is_rendered(page)
    page.remove_listener("request", count)
    paints = page.evaluate("performance.getEntriesByName('first-contentful-paint').map(one => one.startTime)")
    return Painted(
        first_contentful_ms=round(paints[0], 1) if paints else 0.0,
        useful_ms=round(page.evaluate("globalThis.usefulMs"), 1),
        quiet_ms=round(page.evaluate("performance.now()") - QUIET_MS, 1),
        dom_nodes=page.evaluate("document.querySelectorAll('*').length"),
        requests=len(requests),
    )


def read_all_rows(page: Page, rows: int) -> None:
    """Scrolls to the end of the list, which reads on as it is scrolled, until it has so many rows."""
    page.wait_for_function(_SCROLL_TO_END, arg=rows)


def count_rows(page: Page) -> int:
    """The rows that the list has read, its head counted."""
    return int(page.evaluate(_COUNT_ROWS))


def scrolled(page: Page, for_s: float) -> dict[str, float]:
    """Scrolls the longest list of the page up and down; the times of its frames in milliseconds."""
    frames: Sequence[float] = page.evaluate(_SCROLL, for_s * 1000)
    if not frames:
        return {}
    return {
        "frames_per_s": round(len(frames) / for_s, 1),
        "p50_ms": round(percentile(frames, 0.5), 1),
        "p95_ms": round(percentile(frames, 0.95), 1),
        "p99_ms": round(percentile(frames, 0.99), 1),
        "longest_ms": round(max(frames), 1),
        "above_50_ms": sum(frame > 50 for frame in frames),
    }


def heap_mb(session: CDPSession) -> float:
    """The heap of a page after a collection."""
    session.send("HeapProfiler.collectGarbage")
    used: float = session.send("Runtime.getHeapUsage")["usedSize"]
    return round(used / _MB, 2)


def heaps(pages: dict[str, Page], *, for_s: float, every_s: float) -> list[dict[str, float]]:
    """The heaps of several pages over a time, by the name of each."""
    sessions = {name: page.context.new_cdp_session(page) for name, page in pages.items()}
    begin_s = time.monotonic()
    found = []
    while True:
        at_s = time.monotonic() - begin_s
        found.append({"at_s": round(at_s), **{name: heap_mb(one) for name, one in sessions.items()}})
        if at_s >= for_s:
            return found
        next(iter(pages.values())).wait_for_timeout(min(every_s, max(0.0, for_s - at_s)) * 1000)
