"""The clicks that usual work takes from the start page, without reading anything. docs/DASHBOARD.md lists them."""

from playwright.sync_api import Locator, Page, expect

from tests.dashboard.simulated import SimulatedStation
from tests.dashboard.test_sessions import simulated_station
from tests.running_mesh import RunningMesh

STOP, SINCE_WHEN, ADD_TAG = 4, 2, 2


class _Clicks:
    """Counts clicks."""

    def __init__(self) -> None:
        self.count = 0

    def on(self, thing: Locator) -> None:
        """One click."""
        thing.click()
        self.count += 1


def _entry(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Main").first.get_by_role("link", name=name, exact=True)


def test_a_charging_station_is_found_stopped_and_its_energy_seen(desk: Page, simulated: RunningMesh) -> None:
    station = SimulatedStation(simulated, "CLICKS-STOP")
    station.start()
    station.begin_session("CLICKS-TAG")
    clicks = _Clicks()
    clicks.on(_entry(desk, "Sessions"))
    clicks.on(desk.locator(f"main a[href*='/stations/{station.station_id}/sessions/']").first)
    clicks.on(desk.get_by_role("button", name="Stop charging"))
    dialog = desk.get_by_role("dialog")
    clicks.on(dialog.get_by_role("button", name="Stop charging"))
    expect(dialog.get_by_role("status")).to_contain_text("Accepted")
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("main")).to_contain_text("Reason of the end")
    expect(desk.get_by_role("main")).to_contain_text("kWh")
    assert clicks.count <= STOP


def test_a_station_that_is_not_connected_says_since_when(desk: Page, simulated: RunningMesh) -> None:
    station = SimulatedStation(simulated, "CLICKS-OFFLINE")
    station.start()
    station.cut_line()
    clicks = _Clicks()
    clicks.on(_entry(desk, "Stations"))
    row = desk.get_by_role("row").filter(has_text=station.station_id)
    expect(row).to_contain_text("Offline")
    clicks.on(row.get_by_role("link").first)
    expect(desk.get_by_role("main")).to_contain_text("Disconnected")
    assert clicks.count <= SINCE_WHEN


def test_a_refused_tag_is_added(start_page: Page, mesh: RunningMesh) -> None:
    page = start_page
    clicks = _Clicks()
    with simulated_station(mesh, "CLICKS", is_tag_known=False):
        row = page.get_by_role("listitem").filter(has_text="CLICKS-TAG")
        clicks.on(row.get_by_role("button", name="Add token"))
        clicks.on(page.get_by_role("dialog").get_by_role("button", name="Add token"))
        expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("CLICKS-TAG")
    assert clicks.count <= ADD_TAG
