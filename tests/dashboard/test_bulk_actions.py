"""Actions on many stations: asked by their number, and each station's own answer on a page."""

from playwright.sync_api import Page, expect

from tests.dashboard.browsers import PATIENCE_MS, Faults
from tests.dashboard.fleets import add_stations
from tests.running_mesh import RunningMesh

COUNT = 12


def _choose_all(page: Page, prefix: str) -> None:
    """Chooses the stations whose ids begin so, as the search finds them."""
    expect.set_options(timeout=PATIENCE_MS)
    page.goto(f"/stations?q={prefix}")
    page.get_by_role("row").filter(has_text=f"{prefix}0000").wait_for()
    page.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("toolbar")).to_contain_text(str(COUNT))


def _confirm(page: Page, action: str) -> None:
    """More than ten: the number has to be typed."""
    dialog = page.get_by_role("alertdialog")
    button = dialog.get_by_role("button", name=action)
    expect(button).to_be_disabled()
    dialog.get_by_role("textbox").fill(str(COUNT))
    button.click()


def test_each_station_has_its_answer_and_the_failed_ones_can_be_repeated(
    signed_in: Page, mesh: RunningMesh, faults: Faults
) -> None:
    faults.expect("status of 4")  # of stations that are not connected
    page = signed_in
    add_stations(mesh, "BULKA", COUNT)
    _choose_all(page, "BULKA")
    page.get_by_role("button", name="Make them reconnect").click()
    _confirm(page, "Make them reconnect")
    page.get_by_role("heading", name="Make them reconnect").wait_for()
    expect(page.get_by_role("main").get_by_role("status").first).to_contain_text(f"{COUNT} failed")
    row = page.get_by_role("row").filter(has_text="BULKA0007")
    expect(row).to_contain_text("not connected")
    page.get_by_role("main").get_by_role("button", name="State: any").click()
    page.get_by_role("option", name="Done").click()
    expect(row).to_be_hidden()
    page.get_by_role("button", name="Repeat for those that failed").click()
    expect(page.get_by_role("main").get_by_role("status").first).to_contain_text(f"{COUNT} failed")


def test_a_command_for_many_is_a_rollout_whose_page_follows(signed_in: Page, mesh: RunningMesh) -> None:
    page = signed_in
    add_stations(mesh, "BULKB", COUNT)
    _choose_all(page, "BULKB")
    page.get_by_role("button", name="Send a command").click()
    page.get_by_role("menuitem", name="Clear cache").click()
    dialog = page.get_by_role("dialog", name="Clear cache: 12 stations")
    dialog.get_by_role("button", name="Clear cache").last.click()
    _confirm(page, "Clear cache")
    page.wait_for_url("**/rollouts/*")
    expect(page.get_by_role("row").filter(has_text="BULKB0007")).to_be_visible()
    expect(page.get_by_role("grid", name="Answers of the stations")).to_have_attribute("aria-rowcount", str(COUNT + 1))
