"""Many tabs of one browser, on plain HTTP and a name that is not localhost, where a browser has six connections."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.dashboard.axe import go
from tests.dashboard.browsers import NAME, Faults, is_rendered, open_context, session_of, storage_of
from tests.running_mesh import RunningMesh

TABS = 8
# One after the other is closed, and two are left.
HEIRS = 5
SHARED, ELECTED = "shared worker", "elected tab"
WITHOUT_WORKERS = "delete globalThis.SharedWorker"


def _add_station(mesh: RunningMesh, station_id: str) -> None:
    bearer = f"Bearer {mesh.token()}"
    added = mesh.request("POST", "/v1/stations", body={"stationId": station_id}, authorization=bearer)
    assert added.status == 200, added


def _open_tabs(context: BrowserContext, prefix: str, count: int) -> list[Page]:
    """Tabs with a list of stations, all opened at once, as a browser does that restores its windows.

    The list has the stations that begin so: the mesh has those of other tests too, more than a screen shows.
    """
    tabs = [context.new_page() for _ in range(count)]
    for tab in tabs:
        tab.goto(f"/stations?q={prefix}", wait_until="commit")
    for tab in tabs:
        is_rendered(tab)
    assert tabs[0].evaluate("window.isSecureContext") is False
    return tabs


@dataclass(kw_only=True)
class _Window:
    """A browser's window with tabs that serve the tests one after the other, and the faults of them all."""

    way: str
    tabs: list[Page]
    faults: Faults


@pytest.fixture(scope="module")
def window(browser: Browser, mesh: RunningMesh, request: pytest.FixtureRequest) -> Iterator[_Window]:
    """Eight tabs that have one stream by the way of the parameter."""
    faults = Faults()
    origin = mesh.http_url.replace("127.0.0.1", NAME)
    storage = storage_of(origin, session_of(mesh))
    with open_context(browser, base_url=origin, storage_state=storage) as context:
        faults.watch(context)
        if request.param == ELECTED:
            context.add_init_script(WITHOUT_WORKERS)
        yield _Window(way=request.param, tabs=_open_tabs(context, "TABS", TABS), faults=faults)


@pytest.mark.parametrize("window", [SHARED, ELECTED], indirect=True)
def test_eight_tabs_are_all_live_and_each_can_call(window: _Window, mesh: RunningMesh) -> None:
    tabs = window.tabs
    assert tabs[0].evaluate("'SharedWorker' in globalThis") is (window.way == SHARED)
    for tab in tabs:
        tab.get_by_role("button", name="Live", exact=True).wait_for()
    name = f"TABS-{window.way.upper().replace(' ', '-')}"
    _add_station(mesh, name)
    for tab in tabs:
        tab.get_by_role("row").filter(has_text=name).wait_for()
    # A tab whose browser has no connection left could not read a page. All go at once: by the pointer one waits for the
    # frames of the others.
    for tab in tabs:
        tab.get_by_role("row").filter(has_text=name).get_by_role("link").first.evaluate("link => link.click()")
    for tab in tabs:
        tab.get_by_role("heading", name=name).wait_for()
    assert window.faults.unexpected() == []


@pytest.mark.parametrize("window", [ELECTED], indirect=True)
def test_another_tab_takes_over_from_the_one_that_is_closed(window: _Window, mesh: RunningMesh) -> None:
    tabs = window.tabs
    while len(tabs) > HEIRS:
        tabs.pop().close()
    for tab in tabs:
        go(tab, "/stations?q=TAKES-OVER")
        tab.get_by_role("button", name="Live", exact=True).wait_for()
    for number in range(3):
        name = f"TAKES-OVER-{number}"
        tabs.pop(0).close()
        _add_station(mesh, name)
        for tab in tabs:
            tab.get_by_role("row").filter(has_text=name).wait_for()
            tab.get_by_role("button", name="Live", exact=True).wait_for()
    assert window.faults.unexpected() == []
