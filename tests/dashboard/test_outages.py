"""A backend that is killed, and started again by the supervisor, is ridden out without a reload."""

import os
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browsers import Faults
from tests.local_run.processes import wait_until
from tests.running_mesh import RunningMesh

# Notes each text of the frame's status line, since it may be there for a moment only.
NOTE_STATUSES = """() => {
  globalThis.statuses = [];
  const note = () => document.querySelectorAll("[role=status]").forEach((line) => {
    if (line.textContent && !statuses.includes(line.textContent)) statuses.push(line.textContent);
  });
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
_SEEN = "text => globalThis.statuses?.some((each) => each.includes(text))"


def _kill(mesh: RunningMesh, part: str) -> None:
    """Kills a part, and waits until the supervisor has started another one in its place."""
    first = mesh.pid(f"{part}_svc")
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: mesh.pid(f"{part}_svc") != first)


def _add_station(mesh: RunningMesh, station_id: str) -> None:
    """A station, as soon as the mesh adds one again."""
    bearer = f"Bearer {mesh.token()}"

    def is_added() -> bool:
        answer = mesh.request("POST", "/v1/stations", body={"stationId": station_id}, authorization=bearer)
        return answer.status in {200, 409}  # the first call may have been made, and its answer lost

    assert wait_until(is_added)


def test_a_lost_stream_is_said_and_resumed(signed_in: Page, mesh: RunningMesh, faults: Faults) -> None:
    faults.expect("status of 503|ERR_INCOMPLETE_CHUNKED_ENCODING")
    page = signed_in
    page.goto("/stations?q=OUTAGE")  # the mesh has stations of other tests too, more than a screen shows
    page.get_by_role("button", name="Live", exact=True).wait_for()
    page.evaluate(NOTE_STATUSES)
    _kill(mesh, "notification")
    page.wait_for_function(_SEEN, arg="Live paused since")
    # What happens meanwhile is not missed.
    _add_station(mesh, "OUTAGE-MEANWHILE")
    page.get_by_role("row").filter(has_text="OUTAGE-MEANWHILE").wait_for()
    page.get_by_role("button", name="Live", exact=True).wait_for()
    _add_station(mesh, "OUTAGE-AFTERWARDS")
    page.get_by_role("row").filter(has_text="OUTAGE-AFTERWARDS").wait_for()
    expect(page.get_by_text("Live paused since")).to_have_count(0)
    assert page.evaluate("Array.isArray(globalThis.statuses)"), "the page was loaded anew"


@pytest.mark.parametrize(
    ("part", "path"),
    [("transaction", "/sessions"), ("station", "/stations"), ("auth", "/users")],
)
def test_a_page_is_read_while_its_service_is_started_again(
    start_page: Page, mesh: RunningMesh, faults: Faults, part: str, path: str
) -> None:
    """The first reads of the page are refused; it reads again by itself."""
    faults.expect("status of 503")
    page = start_page
    page.evaluate("globalThis.isSame = true")
    os.kill(mesh.pid(f"{part}_svc"), signal.SIGKILL)
    link = page.get_by_role("navigation", name="Main").first.locator(f"a[href='{path}']")
    link.click()
    # The answer of the service: rows, or that there are none.
    content = page.get_by_role("main").locator("[role=row], [class*=empty]").first
    expect(content).to_be_visible()
    expect(page.get_by_role("main").get_by_text("Try again")).to_have_count(0)
    page.get_by_role("button", name="Live", exact=True).wait_for()
    assert page.evaluate("globalThis.isSame"), "the page was loaded anew"
