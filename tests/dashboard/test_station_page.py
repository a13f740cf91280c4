"""The page of a station: what charges at its connectors, its tabs, and a station that is not there."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.axe import SIZES, go, settle
from tests.dashboard.browsers import Faults, is_rendered
from tests.dashboard.simulated import SimulatedStation
from tests.running_mesh import RunningMesh

# The tabs of the page that are not wholly within their list.
_OUT_OF_VIEW = """() => {
  const list = document.querySelector("main [role=tablist]").getBoundingClientRect();
  return [...document.querySelectorAll("main [role=tab]")]
    .filter((tab) => {
      const { left, right } = tab.getBoundingClientRect();
      return left < list.left - 1 || right > list.right + 1;
    })
    .map((tab) => tab.textContent);
}"""


def test_a_session_is_seen_and_stopped_at_its_connector(empty_desk: Page, simulated: RunningMesh) -> None:
    station = SimulatedStation(simulated, "PAGE-STOP")
    station.start()
    desk = empty_desk
    desk.goto(f"/stations/{station.station_id}")
    main = desk.get_by_role("main")
    expect(main.get_by_role("listitem").filter(has_text="Connector 1")).to_contain_text("Available")
    session = station.begin_session("PAGE-TAG")  # seen without a load
    connector = main.get_by_role("listitem").filter(has_text="Session of PAGE-TAG")
    expect(connector).to_contain_text(re.compile(r"Connector 1.*\d\.\d\d kWh"))
    connector.get_by_role("button", name="Stop charging").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_role("button", name="Stop charging").click()
    expect(dialog.get_by_role("status")).to_contain_text("Accepted")
    expect(main.get_by_text("Session of PAGE-TAG")).to_have_count(0)
    dialog.get_by_role("link", name="See the session and its energy").click()
    expect(desk).to_have_url(re.compile(f"/stations/{station.station_id}/sessions/{session}$"))
    expect(main).to_contain_text("Reason of the end")


def test_every_tab_is_seen_at_a_desk_and_the_chosen_one_on_a_phone(empty_desk: Page, simulated: RunningMesh) -> None:
    station = SimulatedStation(simulated, "PAGE-TABS")
    station.start()
    desk = empty_desk
    desk.set_viewport_size(SIZES["desk"])
    desk.goto(f"/stations/{station.station_id}?tab=history")
    is_rendered(desk)
    assert desk.get_by_role("tab").count() > 12
    assert desk.evaluate(_OUT_OF_VIEW) == []
    desk.set_viewport_size(SIZES["phone"])
    go(desk, f"/stations/{station.station_id}?tab=setup")
    hidden = desk.evaluate(_OUT_OF_VIEW)
    assert "Overview" in hidden
    assert "Set-up" not in hidden


def test_a_station_that_is_not_there_leads_back(empty_desk: Page, faults: Faults) -> None:
    faults.expect("404")
    desk = empty_desk
    desk.goto("/stations/PAGE-NONE")
    expect(desk.get_by_role("main")).to_contain_text("There is no such station")
    desk.get_by_role("main").get_by_role("link", name="To the stations").click()
    settle(desk)
    expect(desk.get_by_role("heading", name="Stations", exact=True)).to_be_visible()
