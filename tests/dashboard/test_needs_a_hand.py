"""The start page in a browser: what needs a hand comes, is mended or acknowledged, and goes, without a reload."""

from playwright.sync_api import Page, expect

from tests.running_mesh import RunningMesh

# Notes the most rows that a station ever has at once.
_COUNT_ROWS = """station => {
  const rows = () => [...document.querySelectorAll("main li")];
  const count = () => rows().filter((row) => row.textContent.includes(station)).length;
  globalThis.most = count();
  new MutationObserver(() => { globalThis.most = Math.max(globalThis.most, count()); })
    .observe(document.body, { subtree: true, childList: true });
}"""


def add_pending_station(mesh: RunningMesh, station_id: str) -> None:
    """A station that waits for an operator."""
    authorization = f"Bearer {mesh.token()}"
    added = mesh.request("POST", "/v1/stations", body={"stationId": station_id}, authorization=authorization)
    assert added.status == 200, added
    path, body = f"/v1/stations/{station_id}", {"registrationStatus": "REGISTRATION_STATUS_PENDING"}
    changed = mesh.request("PATCH", path, body=body, authorization=authorization)
    assert changed.status == 200, changed


def test_a_station_that_waits_is_seen_live_and_accepted_in_two_clicks(signed_in: Page, mesh: RunningMesh) -> None:
    page = signed_in
    page.goto("/")
    page.get_by_role("heading", name="Needs a hand").wait_for()
    add_pending_station(mesh, "WAITS-1")
    row = page.get_by_role("listitem").filter(has_text="WAITS-1")
    row.wait_for()
    expect(row).to_contain_text("Waits for acceptance")
    row.get_by_role("button", name="Accept station").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Accept station").click()
    row.wait_for(state="detached")


def test_an_acknowledged_condition_is_folded_away_and_can_be_taken_back(signed_in: Page, mesh: RunningMesh) -> None:
    page = signed_in
    add_pending_station(mesh, "WAITS-2")
    page.goto("/")
    row = page.get_by_role("listitem").filter(has_text="WAITS-2")
    row.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Acknowledge", exact=True).click()
    row.wait_for(state="detached")
    page.get_by_role("button", name="Acknowledged").click()
    expect(row).to_contain_text("Acknowledged by admin")
    page.evaluate(_COUNT_ROWS, "WAITS-2")
    row.get_by_role("button", name="Take back").click()
    expect(row.get_by_role("button", name="Accept station")).to_be_visible()
    expect(row).not_to_contain_text("Acknowledged by")
    assert page.evaluate("globalThis.most") == 1, "it was in both lists for a moment"
