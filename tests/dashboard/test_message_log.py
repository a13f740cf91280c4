"""The message log and the lists of the fleet in a browser, with a simulated station."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.browsers import PATIENCE_MS, is_rendered
from tests.dashboard.simulated import SimulatedStation
from tests.running_mesh import RunningMesh

_EXCHANGES = "ol[aria-label=Messages] > li"


def test_the_log_follows_a_station_in_two_lanes_until_it_is_paused(empty_desk: Page, simulated: RunningMesh) -> None:
    """An exchange opens in place, and its address shows a colleague the same; a filter is in the address, too."""
    page = empty_desk
    expect.set_options(timeout=PATIENCE_MS)
    station = SimulatedStation(simulated, "LANES")
    station.start()
    page.goto("/stations/LANES?tab=messages")
    page.locator(_EXCHANGES).filter(has_text="BootNotification").first.wait_for()
    # New frames come by themselves.
    station.begin_session("LANES-TAG")
    start = page.locator(_EXCHANGES).filter(has_text="StartTransaction").first
    expect(start).to_contain_text("LANES-TAG starts charging at connector 1")
    expect(start).to_contain_text("transactionId")
    expect(start).to_contain_text(re.compile(r"\d ms"))
    expect(start.get_by_role("link", name="Session")).to_have_attribute("href", re.compile("/LANES/sessions/"))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    start.get_by_role("button").first.click()
    expect(page.locator("pre").first).to_contain_text('"StartTransaction"')
    page.reload()
    is_rendered(page)
    expect(page.locator("pre").first).to_contain_text('"StartTransaction"')
    page.goto("/stations/LANES?tab=messages&messages.action=BootNotification")
    expect(page.locator(_EXCHANGES)).to_have_count(1)


def test_a_row_of_the_fleet_is_open_for_whoever_has_its_address(empty_desk: Page, simulated: RunningMesh) -> None:
    page = empty_desk
    expect.set_options(timeout=PATIENCE_MS)
    SimulatedStation(simulated, "FLEET1").start()
    reservation = {"idToken": {"idToken": "FLEET-TAG"}, "expireTime": "2037-01-01T00:00:00Z"}
    authorization = f"Bearer {simulated.token()}"
    path = "/v1/stations/FLEET1/reservations"
    answer = simulated.request("POST", path, body={"reservation": reservation}, authorization=authorization)
    assert answer.status == 200, answer
    page.goto("/reservations?q=FLEET")
    page.get_by_role("button", name="FLEET1").first.click()
    page.get_by_role("menuitem", name="Details").click()
    expect(page.get_by_role("dialog")).to_contain_text("FLEET-TAG")
    page.reload()
    expect(page.get_by_role("dialog")).to_contain_text("FLEET-TAG")
