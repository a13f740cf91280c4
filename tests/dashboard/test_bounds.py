"""Bounds of a page with many rows: nodes of the document, and requests. `make soak-dashboard` measures the rest."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.dashboard.browsers import Faults, begin_with, is_rendered, open_context, session_of
from tests.dashboard.fleets import PLATFORM_PASSWORD, add_stations, call
from tests.running_mesh import RunningMesh

COUNT = 1_200
NODES = 3_500
# Pages of 500 rows, and what each page of the dashboard asks: who calls, what it may do, the scope, the stream.
REQUESTS = 16


@pytest.fixture(scope="module")
def crowded(mesh: RunningMesh) -> dict[str, Any]:
    """A session in a tenant with more stations than a page of the list has. Tests look for theirs in other lists."""
    platform = session_of(mesh, username="platform", password=PLATFORM_PASSWORD, tenant_id="platform")["accessToken"]
    made = call(mesh, "POST", "/v1/tenants", {"tenant": {"tenantId": "crowded"}}, token=platform)
    name, password = made["administratorUsername"], made["administratorPassword"]
    session = session_of(mesh, username=name, password=password, tenant_id="crowded")
    add_stations(mesh, "BOUND", COUNT, token=session["accessToken"])
    return session


@pytest.fixture(scope="module")
def window(browser: Browser, mesh: RunningMesh) -> Iterator[BrowserContext]:
    """A browser context of that tenant alone, which has loaded the application after the first test."""
    with open_context(browser, base_url=mesh.http_url) as context:
        yield context


@pytest.fixture
def page(window: BrowserContext, crowded: dict[str, Any], faults: Faults) -> Iterator[Page]:
    """A page at which the administrator of that tenant is signed in, which shows nothing yet."""
    with window.new_page() as page:
        faults.watch_page(page)
        begin_with(page, crowded)
        yield page


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
