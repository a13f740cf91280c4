"""An access token that expires is refreshed unseen: by the stream of a page that lies idle, and by calls."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboard.browsers import PATIENCE_MS
from tests.dashboard.test_outages import NOTE_STATUSES
from tests.local_run.processes import wait_until
from tests.running_mesh import RunningMesh

_TOKEN = "JSON.parse(localStorage.getItem('csms.session')).accessToken"


def _is_refused(mesh: RunningMesh, token: str) -> bool:
    return mesh.request("GET", "/v1/stations", authorization=f"Bearer {token}").status == 401


def test_an_expired_token_is_refreshed_unseen(desk: Page, simulated: RunningMesh) -> None:
    page = desk
    loads: list[str] = []
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)
    page.get_by_role("button", name="Live", exact=True).wait_for()
    page.evaluate(NOTE_STATUSES)
    first: Any = page.evaluate(_TOKEN)
    assert not _is_refused(simulated, first)
    page.wait_for_function(f"first => {_TOKEN} !== first", arg=first, timeout=2 * PATIENCE_MS)
    assert wait_until(lambda: _is_refused(simulated, first))
    page.get_by_role("navigation", name="Main").first.get_by_role("link", name="Users", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="admin")).to_be_visible()
    expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    assert [each for each in page.evaluate("globalThis.statuses") if "paused" in each] == []
    assert loads == []
