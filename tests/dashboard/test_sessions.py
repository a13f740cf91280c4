"""Sessions in a browser: one of a simulated station, from its begin to its end, without a reload."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browsers import Faults, begin_with, open_context, session_of
from tests.local_run.processes import wait_until
from tests.running_mesh import RunningMesh

T = TypeVar("T")
_READINGS = "[role=grid][aria-label=Readings]"
_MORE_ROWS = f"""count => Number(document.querySelector('{_READINGS}')?.getAttribute('aria-rowcount')) > count"""


@contextmanager
def simulated_station(
    mesh: RunningMesh, prefix: str, *more_arguments: str, is_tag_known: bool = True
) -> Iterator[None]:
    """A station with drivers of its own, in a process of its own, since Playwright has the event loop here."""
    tag = f"{prefix}-TAG"
    authorization = f"Bearer {mesh.token()}"
    if is_tag_known:
        added = mesh.request("POST", "/v1/idTokens", body={"idToken": {"idToken": tag}}, authorization=authorization)
        assert added.status == 200, added
    arguments = ["--url", mesh.ocpp_url, "--stations", "1", "--prefix", prefix, "--id-tags", tag]
    # The first driver of this seed comes after 17 s of the station's life, that of seed 1 after 338.
    command = [sys.executable, "-m", "simulator", *arguments, "--speed", "20", "--seed", "5", *more_arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@dataclass(kw_only=True)
class _Watched:
    """The page of a session that charges, with the readings that it had first, and what it has loaded since."""

    page: Page
    count: int
    loads: list[str]
    faults: Faults


@pytest.fixture(scope="module")
def watched(browser: Browser, mesh: RunningMesh) -> Iterator[_Watched]:
    """A session that is seen from its begin on. Its curve grows with an event every ten seconds: beside other tests."""
    faults = Faults()
    loads: list[str] = []
    with open_context(browser, base_url=mesh.http_url) as context:
        faults.watch(context)
        page = context.new_page()
        begin_with(page, session_of(mesh))
        page.goto("/sessions?station=CURVE")
        page.get_by_text("No session matches").wait_for()
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        with simulated_station(mesh, "CURVE"):
            # The list fills by itself.
            page.locator("a[href*='/sessions/']").first.click()
            page.get_by_role("heading", name="Session").wait_for()
            page.wait_for_function(_MORE_ROWS, arg=1)
            count = int(page.locator(_READINGS).get_attribute("aria-rowcount") or 0)
            yield _Watched(page=page, count=count, loads=loads, faults=faults)


@pytest.mark.usefixtures("watched")
def test_a_session_shows_the_number_of_its_remote_start(signed_in: Page, mesh: RunningMesh) -> None:
    """The answer of the command has the number, by which the session is found, and its page shows it."""
    authorization = f"Bearer {mesh.token()}"

    def request_start() -> str:
        """The number of the remote start; empty where the station refuses, or is not there yet."""
        body = {"idToken": {"idToken": "REMOTE-TAG", "type": "ISO14443"}}
        path = "/v1/stations/REMOTE001:requestStart"
        answer = mesh.request("POST", path, body=body, authorization=authorization)
        is_accepted = answer.status == 200 and answer.json["status"].endswith("ACCEPTED")
        return str(answer.json["remoteStartId"]) if is_accepted else ""

    def found() -> list[str]:
        query = urlencode({"filter": f'station_id = "REMOTE001" AND remote_start_id = {number}'})
        answer = mesh.request("GET", f"/v1/transactions?{query}", authorization=authorization)
        return [one["transactionId"] for one in answer.json["transactions"]]

    with simulated_station(mesh, "REMOTE", "--ocpp-201", "REMOTE*"):
        number = _awaited(request_start)
        [transaction_id] = _awaited(found)
    signed_in.goto(f"/stations/REMOTE001/sessions/{transaction_id}")
    expect(signed_in.get_by_role("main")).to_contain_text(f"Remote start number{number}")


def _awaited(ask: Callable[[], T]) -> T:
    answers: list[T] = []

    def has_answer() -> bool:
        answers.append(ask())
        return bool(answers[-1])

    assert wait_until(has_answer, every_s=0.1)
    return answers[-1]


@pytest.mark.usefixtures("watched")
def test_what_the_filters_find_is_exported_with_units_and_zone(signed_in: Page) -> None:
    page = signed_in
    page.goto("/sessions?station=CURVE")
    page.locator("a[href*='/sessions/']").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    header, *rows = text.splitlines()
    assert "Energy (kWh)" in header
    assert "Duration (s)" in header
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert f"Begin ({zone})" in header
    assert rows
    assert {row.partition(",")[0][:6] for row in rows} == {"CURVE0"}


def test_a_session_that_is_not_there_says_so(signed_in: Page) -> None:
    signed_in.goto("/stations/NONE/sessions/1")
    signed_in.get_by_text("There is no such session").wait_for()


def test_a_session_is_seen_live_from_its_begin_to_its_end(watched: _Watched) -> None:
    page = watched.page
    # Its curve grows by itself: the readings beside the chart become more.
    page.wait_for_function(_MORE_ROWS, arg=watched.count)
    expect(page.get_by_role("img", name="Power and register")).to_be_visible()
    _stop(page)
    expect(page.get_by_role("main")).to_contain_text("Reason of the end")
    assert len(watched.loads) == 1, "only the list led to another page, and nothing was loaded anew"
    assert watched.faults.unexpected() == []


def _stop(page: Page) -> None:
    """Stops the session from its page; the station answers, and ends it."""
    page.get_by_role("button", name="Stop charging").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Stop charging").click()
    expect(dialog.get_by_role("status")).to_contain_text("Accepted")
    page.keyboard.press("Escape")
