"""Flows by the keyboard alone: each thing is reached by keys, and the focus is seen where it is."""

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.simulated import SimulatedStation
from tests.dashboard.test_needs_a_hand import add_pending_station
from tests.running_mesh import RunningMesh

MOST_TABS = 80
# The focused element by its name; and whether it, or its field, has the outline of the focus.
_NAME = """() => {
  const one = document.activeElement;
  return (one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent || "").trim();
}"""
_IS_SEEN = """() => {
  const one = document.activeElement;
  return [one, one.parentElement].some((each) => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
  });
}"""


def _tab_to(page: Page, name: str) -> None:
    """Presses the tabulator until the focus is on the thing of this name, and looks that it is seen there."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(_NAME).startswith(name):
            page.wait_for_function(_IS_SEEN)
            return
    raise AssertionError(f"{name!r} is not reached by {MOST_TABS} tabulators")


def _arrow_to_tab(page: Page, name: str) -> None:
    """Moves along the tabs of a page by arrows."""
    page.get_by_role("tab", name=name).wait_for()
    _tab_to(page, "Overview")
    for _ in range(page.get_by_role("tab").count()):
        if page.evaluate(_NAME) == name:
            return
        page.keyboard.press("ArrowRight")
    raise AssertionError(f"no tab {name!r}")


def _find_station(page: Page, station_id: str) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").wait_for()
    page.keyboard.type(station_id)
    page.get_by_role("option", name=station_id).first.wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=station_id, exact=True).wait_for()


@pytest.fixture
def station(simulated: RunningMesh, request: pytest.FixtureRequest) -> SimulatedStation:
    """A station that waits for the keys of the test."""
    # Named by its test, and by nothing that a command of the palette has in its name.
    name = request.node.name.removeprefix("test_").replace("_", "-").upper()
    made = SimulatedStation(simulated, f"KEYS-{name}"[:20])
    made.start()
    return made


def test_sign_in(page: Page, mesh: RunningMesh) -> None:
    page.goto("/")
    page.locator("input[autocomplete=username]").wait_for()
    _tab_to(page, "Username")
    page.keyboard.type("admin")
    _tab_to(page, "Password")
    page.keyboard.type(mesh.admin_password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Needs a hand").wait_for()


def test_command(desk: Page, station: SimulatedStation) -> None:
    page = desk
    _find_station(page, station.station_id)
    _arrow_to_tab(page, "Commands")
    _tab_to(page, "Clear cache")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Clear cache").wait_for()
    _tab_to(page, "Clear cache")
    while page.evaluate("document.activeElement.type") != "submit":
        _tab_to(page, "Clear cache")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main").get_by_role("status").filter(has_text="Answer")).to_contain_text("Accepted")


def test_stop(desk: Page, station: SimulatedStation) -> None:
    page = desk
    station.begin_session("KEYS-TAG")
    _find_station(page, station.station_id)
    _arrow_to_tab(page, "Sessions")
    page.locator("main a[href*='/sessions/']").first.wait_for()
    _tab_to(page, page.locator("main a[href*='/sessions/']").first.inner_text())
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Session").wait_for()
    page.get_by_role("button", name="Stop charging").wait_for()
    _tab_to(page, "Stop charging")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    _tab_to(page, "Stop charging")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("status")).to_contain_text("Accepted")
    page.keyboard.press("Escape")
    expect(page.get_by_role("main")).to_contain_text("Reason of the end")


def test_acknowledge(desk: Page, simulated: RunningMesh) -> None:
    page = desk
    add_pending_station(simulated, "KEYS-PENDING")
    page.keyboard.press("g")
    page.keyboard.press("h")
    row = page.get_by_role("listitem").filter(has_text="KEYS-PENDING")
    row.wait_for()
    _tab_to(page, "More: Waits for acceptance KEYS-PENDING")
    page.keyboard.press("Enter")
    page.get_by_role("menuitem").first.wait_for()
    while page.evaluate(_NAME) != "Acknowledge":
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    row.wait_for(state="detached")
