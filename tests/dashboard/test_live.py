"""A simulated station from its start to the end of its session, from its page; a second browser sees the same, live.

Meanwhile a page lies idle in a third browser. Its access token expires, and is refreshed unseen: by its stream, and by
calls.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browsers import PATIENCE_MS, Faults, begin_with, is_rendered, open_context, session_of
from tests.dashboard.test_outages import NOTE_STATUSES
from tests.local_run.processes import wait_until
from tests.running_mesh import RunningMesh

# First in the list of simulated stations: the word of a start lies for some seconds over what is last on a screen.
STATION = "A-WATCHED"
TAG = "WATCHED-TAG"
_TOKEN = "JSON.parse(localStorage.getItem('csms.session')).accessToken"
_ROWS = "Number(document.querySelector('[role=grid][aria-label=Readings]')?.getAttribute('aria-rowcount'))"


@dataclass(kw_only=True)
class _Idle:
    """A page at which nobody does anything, with its first token, its loads from now on, and its faults."""

    page: Page
    token: str
    loads: list[str]
    faults: Faults


@dataclass(kw_only=True)
class _Watched:
    """A session with the pages of two browsers that have seen its begin, the readings then, and all loads since."""

    desk: Page
    other: Page
    count: int
    loads: tuple[list[str], list[str]]
    faults: Faults


def _is_refused(mesh: RunningMesh, token: str) -> bool:
    return mesh.request("GET", "/v1/stations", authorization=f"Bearer {token}").status == 401


@contextmanager
def _open_page(browser: Browser, mesh: RunningMesh, faults: Faults) -> Iterator[Page]:
    """A page in a browser of its own, at which the administrator is signed in."""
    with open_context(browser, base_url=mesh.http_url) as context:
        faults.watch(context)
        page = context.new_page()
        begin_with(page, session_of(mesh))
        yield page


@pytest.fixture(scope="module")
def idle(browser: Browser, simulated: RunningMesh) -> Iterator[_Idle]:
    """A page that lies idle from the first test on, and shows nothing that events change: a token lives 10 s."""
    faults = Faults()
    with _open_page(browser, simulated, faults) as page:
        page.goto("/account")
        page.get_by_role("button", name="Live", exact=True).wait_for()
        page.evaluate(NOTE_STATUSES)
        token = page.evaluate(_TOKEN)
        assert not _is_refused(simulated, token)
        yield _Idle(page=page, token=token, loads=_watch_loads(page), faults=faults)


def _act(page: Page, action: str, **fields: str) -> None:
    """One action on the station, from the simulator's page: its menu, its form."""
    page.get_by_role("button", name=f"Actions on {STATION}").click()
    page.get_by_role("menuitem", name=action, exact=True).click()
    dialog = page.get_by_role("dialog")
    for label, value in fields.items():
        dialog.get_by_label(label.replace("_", " ")).first.fill(value)
    dialog.get_by_role("button", name=action, exact=True).click()
    dialog.wait_for(state="detached")


def _start_station(page: Page) -> None:
    page.get_by_role("button", name="Start a station").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Station ID").fill(STATION)
    dialog.get_by_label("Sample interval").fill("1")
    dialog.get_by_role("button", name="Start a station").click()
    dialog.wait_for(state="detached")


def _watch_loads(page: Page) -> list[str]:
    """The documents that a page loads from now on: none, where all is live."""
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)
    return loads


def _go(page: Page, name: str) -> None:
    """To a page by its entry of the rail."""
    page.get_by_role("navigation", name="Main").first.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


@pytest.fixture(scope="module")
def watched(browser: Browser, simulated: RunningMesh, idle: _Idle) -> Iterator[_Watched]:
    """A session from the start of its station on. Its curve grows with an event every ten seconds: beside a test."""
    del idle  # it lies idle meanwhile
    faults = Faults()
    with _open_page(browser, simulated, faults) as desk, _open_page(browser, simulated, faults) as other:
        other.goto(f"/stations?q={STATION}")
        desk.goto("/")
        is_rendered(other)
        is_rendered(desk)
        _go(desk, "Simulator")
        loads = _watch_loads(desk), _watch_loads(other)
        _see_begin(desk, other)
        count = _see_curve(other)
        yield _Watched(desk=desk, other=other, count=count, loads=loads, faults=faults)


def _see_begin(desk: Page, other: Page) -> None:
    expect(other.get_by_role("row").filter(has_text=STATION)).to_have_count(0)
    _start_station(desk)
    # Both see it come online: the simulator's page, and the list of stations of another browser.
    expect(desk.get_by_role("row").filter(has_text=STATION)).to_contain_text("Online")
    expect(other.get_by_role("row").filter(has_text=STATION)).to_contain_text("Online")
    other.get_by_role("row").filter(has_text=STATION).get_by_role("link").first.click()
    expect(other.get_by_role("listitem").filter(has_text="Connector 1")).to_contain_text("Available")
    _act(desk, "Plug in a car")
    expect(other.get_by_role("listitem").filter(has_text="Connector 1")).to_contain_text("Occupied")
    _act(desk, "Hold a tag to the reader", Id_token=TAG)
    expect(other.get_by_role("listitem").filter(has_text="Connector 1")).to_contain_text("Charging")


def _see_curve(page: Page) -> int:
    """The session of the station, from its page; gives the readings that it has at first."""
    page.get_by_role("tab", name="Sessions").click()
    page.locator("main a[href*='/sessions/']").first.click()
    page.get_by_role("heading", name="Session").wait_for()
    expect(page.get_by_role("img", name="Power and register")).to_be_visible()
    page.wait_for_function(f"() => {_ROWS} > 2")
    count: int = page.evaluate(_ROWS)
    return count


@pytest.mark.usefixtures("watched")
def test_an_expired_token_is_refreshed_unseen(idle: _Idle, simulated: RunningMesh) -> None:
    page = idle.page
    page.wait_for_function(f"first => {_TOKEN} !== first", arg=idle.token, timeout=2 * PATIENCE_MS)
    assert wait_until(lambda: _is_refused(simulated, idle.token))
    page.get_by_role("navigation", name="Main").first.get_by_role("link", name="Users", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="admin")).to_be_visible()
    expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    assert [each for each in page.evaluate("globalThis.statuses") if "paused" in each] == []
    assert idle.loads == []
    assert idle.faults.unexpected() == []


def test_a_station_and_its_session_are_seen_live_by_two_browsers(watched: _Watched) -> None:
    """They have seen its begin; the curve grows by itself, and its end is seen too."""
    watched.other.wait_for_function(f"count => {_ROWS} > count", arg=watched.count)
    _act(watched.desk, "Hold a tag to the reader", Id_token=TAG)
    expect(watched.other.get_by_role("main")).to_contain_text("Reason of the end")
    assert watched.loads == ([], [])
    assert watched.faults.unexpected() == []
