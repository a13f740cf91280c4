"""A search of sessions may find nothing on a page and go on with the next one (ListTransactionsRequest.filter).

The mesh looks at 50,000 transactions for a page. In place of so many, the pages here that come before the mesh's own
answer are empty, with a token for the next one. Nothing has the list read anew meanwhile, from its first page: the
mesh is one where nobody charges, and the stream of events, which may have missed some before its begin, has begun.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from csms.transaction.v1.transaction_service_pb2 import ListTransactionsRequest, ListTransactionsResponse
from playwright.sync_api import Page, Route, expect

from tests.dashboard.axe import go
from tests.dashboard.simulated import wait_for_event
from tests.gateway.raw_station import RawStation
from tests.running_mesh import RunningMesh

EMPTY_PAGES = 3
_PREFIX = 5  # of a message of gRPC-web: a byte of flags, and four of its length
_TRAILERS = 0x80


def _message(flags: int, content: bytes) -> bytes:
    return bytes([flags]) + len(content).to_bytes(_PREFIX - 1, "big") + content


def _answer(response: ListTransactionsResponse) -> bytes:
    return _message(0, response.SerializeToString()) + _message(_TRAILERS, b"grpc-status: 0\r\n")


def _delay_by_pages(page: Page, text: str) -> Callable[[], list[str]]:
    """Puts empty pages before the mesh's own pages of a search; gives the tokens that the page has asked for."""
    tokens: list[str] = []

    def handle(route: Route) -> None:
        request = ListTransactionsRequest.FromString((route.request.post_data_buffer or b"")[_PREFIX:])
        if text not in request.filter:
            route.continue_()
            return
        tokens.append(request.page_token)
        done = int(request.page_token.removeprefix("empty-") or 0)
        if done < EMPTY_PAGES:
            empty = ListTransactionsResponse(next_page_token=f"empty-{done + 1}")
            route.fulfill(status=200, content_type="application/grpc-web+proto", body=_answer(empty))
            return
        request.page_token = ""
        route.continue_(post_data=_message(0, request.SerializeToString()))

    page.route("**/csms.transaction.v1.TransactionService/ListTransactions", handle)
    return lambda: tokens


async def _begin_session(mesh: RunningMesh) -> None:
    async with RawStation(f"{mesh.ocpp_url}/PAGES") as station:
        await station.boot()
        begin = {"connectorId": 1, "idTag": "PAGES-TAG", "meterStart": 0, "timestamp": "2026-12-02T12:00:00Z"}
        await station.call("StartTransaction", begin)


@pytest.fixture
def session(mesh: RunningMesh) -> str:
    """The text by which a session is found. A thread begins it, since Playwright has the event loop of this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _begin_session(mesh)).result()
    wait_for_event(mesh, "PAGES", "transaction.started")  # which would have a page that is open read its list anew
    return "PAGES-TAG"


@pytest.fixture
def live_page(start_page: Page) -> Page:
    """The start page with its stream of events, which pages after it share."""
    start_page.get_by_role("button", name="Live", exact=True).wait_for()
    return start_page


def test_a_search_finds_a_session_on_a_later_page(session: str, live_page: Page) -> None:
    tokens = _delay_by_pages(live_page, session)
    go(live_page, f"/sessions?q={session}")
    expect(live_page.locator("main a[href*='/sessions/']")).to_have_attribute(
        "href", re.compile("^/stations/PAGES/sessions/")
    )
    assert tokens()[: EMPTY_PAGES + 1] == ["", "empty-1", "empty-2", "empty-3"]


def test_a_search_without_a_match_ends_with_its_last_page(live_page: Page) -> None:
    tokens = _delay_by_pages(live_page, "NOWHERE-TAG")
    go(live_page, "/sessions?q=NOWHERE-TAG")
    expect(live_page.get_by_role("main")).to_contain_text("Nothing matches")
    assert tokens()[: EMPTY_PAGES + 1] == ["", "empty-1", "empty-2", "empty-3"]
