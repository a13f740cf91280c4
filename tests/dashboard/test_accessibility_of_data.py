"""axe finds no serious fault on pages that have data: stations and their tabs, sessions, sites, tokens, rollouts."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.dashboard.axe import faults_everywhere, go
from tests.dashboard.browsers import HURRIED, Faults, begin_with, is_rendered, open_context, session_of
from tests.dashboard.simulated import SimulatedStation
from tests.dashboard.test_needs_a_hand import add_pending_station
from tests.running_mesh import RunningMesh

STATION = "AXE"
TAG = "AXE-TAG"
TABS = (
    *("overview", "sessions", "messages", "variables", "profiles", "reservations", "local_list", "firmware"),
    *("certificates", "history", "setup", "commands"),
)
LISTS = ("/", "/stations", "/sessions", "/sites", "/tokens", "/rollouts", "/reports", "/events", "/simulator")


def _add(mesh: RunningMesh, path: str, body: dict[str, Any]) -> Any:
    answer = mesh.request("POST", path, body=body, authorization=f"Bearer {mesh.token()}")
    assert answer.status == 200, answer
    return answer.json


@pytest.fixture(scope="module")
def pages(simulated: RunningMesh) -> dict[str, str]:
    """Paths of pages about one thing, by its kind, once the things are there."""
    station = SimulatedStation(simulated, STATION)
    station.start()
    session = station.begin_session(TAG)
    add_pending_station(simulated, "AXE-PENDING")
    _add(simulated, "/v1/sites", {"siteId": "axe-site", "displayName": "A site"})
    _add(simulated, "/v1/idTokens", {"idToken": {"idToken": "AXE-KNOWN"}})
    rollout = _add(
        simulated,
        "/v1/rollouts",
        {"displayName": "Heartbeats", "stationIds": [STATION], "command": {"clearCache": {}}},
    )
    return {"session": f"/stations/{STATION}/sessions/{session}", "rollout": f"/rollouts/{rollout['rolloutId']}"}


@pytest.fixture(scope="module")
def walker(browser: Browser, simulated: RunningMesh, pages: dict[str, str]) -> Iterator[Page]:
    """A page that goes from one test to the next, as a person does."""
    del pages  # the things are there first
    with open_context(browser, timer_share=HURRIED, base_url=simulated.http_url) as context:
        page = context.new_page()
        begin_with(page, session_of(simulated))
        page.goto("/")
        is_rendered(page)
        yield page


def _assert_no_fault(page: Page, path: str) -> None:
    faults = Faults()
    with faults.of_page(page):
        go(page, path)
        assert faults_everywhere(page) == []
    assert faults.unexpected() == []


@pytest.mark.parametrize("path", LISTS)
def test_a_list_with_rows_has_no_serious_fault(walker: Page, path: str) -> None:
    _assert_no_fault(walker, path)


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_of_a_station_has_no_serious_fault(walker: Page, tab: str) -> None:
    _assert_no_fault(walker, f"/stations/{STATION}?tab={tab}")


@pytest.mark.parametrize("kind", ["session", "rollout"])
def test_a_page_about_one_thing_has_no_serious_fault(walker: Page, pages: dict[str, str], kind: str) -> None:
    _assert_no_fault(walker, pages[kind])
