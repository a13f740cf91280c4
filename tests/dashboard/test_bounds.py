"""Bounds of a page with many rows: nodes of the document, and requests. `make soak-dashboard` measures the rest."""

import pytest
from playwright.sync_api import Page

from tests.dashboard.browsers import is_rendered
from tests.dashboard.fleets import add_stations
from tests.running_mesh import RunningMesh

COUNT = 1_200
NODES = 3_500
# Pages of 500 rows, and what each page of the dashboard asks: who calls, what it may do, the scope, the stream.
REQUESTS = 16


@pytest.fixture(scope="module")
def fleet(mesh: RunningMesh) -> list[str]:
    """More stations than a page of the list has."""
    return add_stations(mesh, "BOUND", COUNT)


def _nodes(page: Page) -> int:
    count: int = page.evaluate("document.querySelectorAll('*').length")
    return count


@pytest.mark.usefixtures("fleet")
def test_a_list_of_any_length_has_few_nodes_and_requests(signed_in: Page) -> None:
    page = signed_in
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if request.method == "POST" else None)
    page.goto("/stations?sort=name")
    page.wait_for_function(  # the server sorts: the list has its first pages, and asks for more as somebody scrolls
        "() => Number(document.querySelector('main [role=grid]')?.getAttribute('aria-rowcount')) > 20"
    )
    is_rendered(page)
    assert 500 < _nodes(page) < NODES
    assert 3 <= len(calls) <= REQUESTS, calls
    page.keyboard.press("End")
    is_rendered(page)
    assert _nodes(page) < NODES
    assert len(calls) <= REQUESTS, calls


@pytest.mark.parametrize("path", ["/", "/sites", "/sites/map", "/sessions", "/rollouts", "/events", "/reports"])
@pytest.mark.usefixtures("fleet")
def test_a_page_has_few_nodes_and_requests(signed_in: Page, path: str) -> None:
    page = signed_in
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if request.method == "POST" else None)
    page.goto(path)
    is_rendered(page)
    assert _nodes(page) < NODES
    assert len(calls) <= REQUESTS, calls
