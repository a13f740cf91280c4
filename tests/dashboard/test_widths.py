"""No page scrolls sideways on a phone, and no words lie over each other, in German, whose words are long."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext

from tests.dashboard.axe import SIZES, go
from tests.dashboard.browsers import HURRIED, begin_with, is_rendered, session_of
from tests.dashboard.simulated import SimulatedStation
from tests.running_mesh import RunningMesh

STATION = "WIDTHS"
LISTS = ("/", "/stations", "/sessions", "/sites", "/tokens", "/rollouts", "/reports", "/events", "/audit", "/account")
_TOO_WIDE = """() => [document.documentElement, document.querySelector("main"), ...document.querySelectorAll("main *")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .filter((one) => one === document.documentElement || /auto|scroll/.test(getComputedStyle(one).overflowX))
  .filter((one) => one.getAttribute("role") !== "tablist" && !one.closest("pre"))
  .map((one) => `${one.tagName} ${one.className}: ${one.scrollWidth} in ${one.clientWidth}`)"""
# The words of the bar at the foot that begin before the word to their left has ended.
_OVERLAPPING = """() => {
  const words = [...document.querySelectorAll("nav li span")].filter((one) => one.offsetParent);
  const boxes = words.map((one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return range.getBoundingClientRect();
  });
  return words.slice(1).filter((_, at) => boxes[at + 1].left < boxes[at].right).map((one) => one.textContent);
}"""


def test_no_page_scrolls_sideways_on_a_phone(
    new_context: Callable[..., BrowserContext], simulated: RunningMesh
) -> None:
    station = SimulatedStation(simulated, STATION)
    station.start()
    session = station.begin_session("WIDTHS-TAG")
    body = {"displayName": "Heartbeats", "stationIds": [STATION], "command": {"triggerMessage": {
        "requestedMessage": "MESSAGE_TRIGGER_HEARTBEAT"}}}  # fmt: skip
    made = simulated.request("POST", "/v1/rollouts", body=body, authorization=f"Bearer {simulated.token()}")
    assert made.status == 200, made
    context = new_context(timer_share=HURRIED, base_url=simulated.http_url, locale="de-DE", viewport=SIZES["phone"])
    page = context.new_page()
    begin_with(page, session_of(simulated))
    page.goto("/")
    is_rendered(page)
    assert page.evaluate(_OVERLAPPING) == []
    ones = (f"/rollouts/{made.json['rolloutId']}", f"/stations/{STATION}", f"/stations/{STATION}/sessions/{session}")
    faults = {}
    for path in (*LISTS, *ones):
        go(page, path)
        faults[path] = page.evaluate(_TOO_WIDE)
    assert {path: found for path, found in faults.items() if found} == {}
