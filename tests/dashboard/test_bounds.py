"""Bounds of a page with many rows: nodes of the document, and requests. `make soak-dashboard` measures the rest."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.dashboard.browsers import is_rendered, session_of
from tests.dashboard.fleets import add_stations
from tests.running_mesh import RunningMesh, running_mesh

COUNT = 1_200
NODES = 3_500
# Pages of 500 rows, and what each page of the dashboard asks: who calls, what it may do, the scope, the stream.
REQUESTS = 16


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh of its own, with more stations than a page of the list has: other tests look for theirs in such a list."""
    with running_mesh(tmp_path_factory.mktemp("crowded")) as mesh:
        add_stations(mesh, "BOUND", COUNT)
        yield mesh


@pytest.fixture
def page(new_page: Callable[[RunningMesh, dict[str, Any]], Page], crowded: RunningMesh) -> Page:
    """A page of that mesh, at which the administrator is signed in, which shows nothing yet."""
    return new_page(crowded, session_of(crowded))


def _nodes(page: Page) -> int:
    count: int = page.evaluate("document.querySelectorAll('*').length")
    return count


def _calls(page: Page) -> list[str]:
    """The calls that a page makes from now on."""
    calls: list[str] = []
    page.on("request", lambda request: calls.append(request.url) if request.method == "POST" else None)
    return calls


def test_a_list_of_any_length_has_few_nodes_and_requests(page: Page) -> None:
    calls = _calls(page)
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
def test_a_page_has_few_nodes_and_requests(page: Page, path: str) -> None:
    calls = _calls(page)
    page.goto(path)
    is_rendered(page)
    assert _nodes(page) < NODES
    assert len(calls) <= REQUESTS, calls
