"""Sites in a browser: the tree by keyboard, moves, labels, and the map."""

import re

from playwright.sync_api import Page, expect

from tests.dashboard.browsers import PATIENCE_MS
from tests.dashboard.fleets import add_stations, call
from tests.running_mesh import RunningMesh


def _add_site(mesh: RunningMesh, site_id: str, parent: str = "", place: tuple[float, float] | None = None) -> None:
    coordinates = {"coordinates": {"latitude": place[0], "longitude": place[1]}} if place else {}
    call(mesh, "POST", "/v1/sites", {"siteId": site_id, "parentSiteId": parent, **coordinates})


def test_the_tree_opens_and_closes_by_keyboard(signed_in: Page, mesh: RunningMesh) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    _add_site(mesh, "tree-town")
    _add_site(mesh, "tree-garage", "tree-town")
    page = signed_in
    page.goto("/sites?site=tree-town")
    town = page.get_by_role("row", name="tree-town")
    garage = page.get_by_role("row", name="tree-garage")
    expect(garage).to_be_visible()
    town.click()
    page.keyboard.press("ArrowLeft")
    expect(garage).to_be_hidden()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("site=tree-garage"))
    expect(page.get_by_role("region", name="tree-garage")).to_contain_text("tree-town / tree-garage")


def test_a_site_moves_and_gets_a_label(signed_in: Page, mesh: RunningMesh) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    for site_id, parent in (("move-from", ""), ("move-to", ""), ("move-part", "move-from")):
        _add_site(mesh, site_id, parent)
    page = signed_in
    page.goto("/sites?site=move-part")
    panel = page.get_by_role("region", name="move-part")
    panel.get_by_role("button", name="Move", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("Into")).click()
    page.get_by_role("option", name="move-to", exact=True).click()
    dialog.get_by_role("button", name="Move", exact=True).click()
    expect(panel).to_contain_text("move-to / move-part")
    panel.get_by_role("button", name="Change labels").click()
    dialog.get_by_role("button", name="Add a label").click()
    dialog.get_by_label("Key").fill("Region")
    expect(dialog.get_by_role("button", name="Save labels")).to_be_disabled()
    dialog.get_by_label("Key").fill("region")
    dialog.get_by_label("Value").fill("north")
    dialog.get_by_role("button", name="Save labels").click()
    expect(panel.get_by_role("link", name="region: north")).to_be_visible()
    assert call(mesh, "GET", "/v1/sites/move-part")["labels"] == {"region": "north"}


def test_the_map_shows_stations_by_state_and_opens_clusters(signed_in: Page, mesh: RunningMesh) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    _add_site(mesh, "map-berlin", place=(52.52, 13.40))
    _add_site(mesh, "map-next-door", place=(52.5201, 13.4001))
    _add_site(mesh, "map-munich", place=(48.14, 11.58))
    (station,) = add_stations(mesh, "MAPPED", 1)
    call(mesh, "PATCH", f"/v1/stations/{station}", {"siteId": "map-munich"})
    page = signed_in
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto("/sites/map")
    expect(page.get_by_role("link", name="map-munich: 1 station, 1 Offline")).to_be_visible()
    cluster = page.get_by_role("button", name="2 sites near map-berlin: 0 stations")
    cluster.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="map-berlin: 0 stations")).to_be_visible()
    expect(page).to_have_url(re.compile("at="))
    page.get_by_role("group", name=re.compile("Map of the sites")).focus()
    page.keyboard.press("0")
    expect(cluster).to_be_visible()
    before = cluster.bounding_box()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => location.search.includes('at=')")
    after = cluster.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["x"] - after["x"] - 80) < 2
    assert [url for url in urls if not url.startswith(f"{mesh.http_url}/")] == []
