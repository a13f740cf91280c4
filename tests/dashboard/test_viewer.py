"""A viewer is offered nothing that is not theirs: whatever can be pressed leads to methods that a viewer may call."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from csms.options.v1 import options_pb2
from playwright.sync_api import BrowserContext, Locator, Page, Request

from mesh.contract.options import access_of
from mesh.contract.published import contract_files
from mesh.contract.services import OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.identity.callers import Role
from mesh.identity.permissions import permission_name, permissions_of
from tests.dashboard.axe import go, settle
from tests.dashboard.browsers import HURRIED, Faults, begin_with, is_rendered, session_of
from tests.running_mesh import RunningMesh

PASSWORD = "quite-a-long-secret"
PATHS = (
    *("/", "/stations", "/stations/CP001", "/sessions", "/sites", "/tokens", "/rollouts", "/reports", "/events"),
    *("/quarantine", "/certificates", "/meter-profiles", "/simulator", "/account"),
)
# Pages of administrators alone.
OTHERS = ("/users", "/roles", "/api-keys", "/sign-ins", "/audit", "/tenants")
# Buttons that change how a list looks, and call nothing.
SHAPE = {"Columns", "Views"}
LAYERS = "[role=dialog], [role=alertdialog], [role=menu], [role=listbox]"
# The name and the kind of each button. One row stands for all: what is done to it, and what it shows when it is opened.
# A head of a column puts a list in order, and calls nothing else.
_NAMES_AND_KINDS = """buttons => buttons
  .filter((button) => button.closest("[role=columnheader]") === null)
  .map((button) => {
    const name = (button.ariaLabel || button.textContent).trim();
    const opens = button.matches("li [aria-expanded]:not([aria-haspopup])");
    return [name, opens ? "details" : name.split(/ on |: /)[0]];
  })"""
_CALL = re.compile(r"csms\.[a-z_.]+\.v1\.[A-Za-z]+/[A-Za-z]+")


def _permissions() -> dict[str, options_pb2.Permission.ValueType]:
    """The permission of each method for operators that needs one, by `package.Service/Method`."""
    services = [name for names in (OPERATOR_SERVICES | OPTIONAL_OPERATOR_SERVICES).values() for name in names]
    access = access_of(contract_files(), services)
    return {name[1:]: rule.permission for name, rule in access.items() if rule.WhichOneof("rule") == "permission"}


@contextmanager
def _calls(page: Page) -> Iterator[set[str]]:
    """The methods that a page calls."""
    called: set[str] = set()

    def note(request: Request) -> None:
        if (found := _CALL.search(request.url)) is not None:
            called.add(found[0])

    page.on("request", note)
    yield called
    page.remove_listener("request", note)


def _offered(page: Page) -> set[str]:
    """The methods of the forms that are open: each shows its command lines."""
    return set(_CALL.findall(" ".join(page.locator("form code, form pre").all_text_contents())))


def _close(page: Page) -> None:
    """Closes what is over the page, one layer after another."""
    while (count := page.locator(LAYERS).count()) > 0:
        page.keyboard.press("Escape")
        fewer = "([layers, count]) => document.querySelectorAll(layers).length < count"
        page.wait_for_function(fewer, arg=[LAYERS, count])


def _press_all(page: Page, within: Locator) -> set[str]:
    """Presses each button once, and each entry of its menu; gives the methods of the forms that open."""
    found: set[str] = set()
    pressed: set[str] = set()
    for name, kind in within.get_by_role("button").evaluate_all(_NAMES_AND_KINDS):
        button = within.get_by_role("button", name=name, exact=True).first
        if kind in pressed | SHAPE or not button.is_visible() or button.is_disabled():
            continue
        pressed.add(kind)
        button.click()
        entries = page.get_by_role("menuitem").all_inner_texts()
        found |= _offered(page)
        _close(page)
        for entry in entries:
            button.click()
            page.get_by_role("menuitem", name=entry, exact=True).click()
            found |= _offered(page)
            _close(page)
    return found


def _crawl(page: Page, paths: tuple[str, ...]) -> set[str]:
    """The methods that pages call by themselves or offer, in all their tabs."""
    found: set[str] = set()
    with _calls(page) as called:
        page.goto(paths[0])  # with the calls of a first load
        for path in paths:
            go(page, path)
            found |= _press_all(page, page.get_by_role("main"))
            for index in range(page.get_by_role("main").get_by_role("tab").count()):
                if urlsplit(page.url).path != path:  # a button led away
                    go(page, path)
                page.get_by_role("main").get_by_role("tab").nth(index).click()
                settle(page)
                found |= _press_all(page, page.get_by_role("main").get_by_role("tabpanel"))
    return found | called


@pytest.fixture
def viewer(new_context: Callable[..., BrowserContext], simulated: RunningMesh) -> Page:
    """A page at which a viewer is signed in, which shows nothing yet."""
    name = f"viewer-{secrets.token_hex(4)}"
    body = {"username": name, "password": PASSWORD, "role": "ROLE_VIEWER"}
    answer = simulated.request("POST", "/v1/auth:register", body=body, authorization=f"Bearer {simulated.token()}")
    assert answer.status == 200, answer.json
    page = new_context(timer_share=HURRIED, base_url=simulated.http_url).new_page()
    begin_with(page, session_of(simulated, username=name, password=PASSWORD))
    return page


def test_a_viewer_is_offered_nothing_that_is_not_theirs(viewer: Page, faults: Faults) -> None:
    faults.expect("status of 40[34]")
    theirs = permissions_of(Role.VIEWER)
    found = _crawl(viewer, PATHS)
    foreign = {
        f"{name} needs {permission_name(needed)}"
        for name, needed in _permissions().items()
        if name in found and needed not in theirs
    }
    assert foreign == set()
    assert len(found) > 20


def test_the_same_walk_finds_what_others_are_offered(empty_desk: Page, faults: Faults) -> None:
    """Otherwise the test above would find nothing because it looks nowhere. No form is sent."""
    faults.expect("status of 40[34]")
    theirs = permissions_of(Role.VIEWER)
    found = _crawl(empty_desk, ("/stations", "/simulator"))
    assert {name for name, needed in _permissions().items() if name in found and needed not in theirs}


def test_a_viewer_has_only_the_pages_that_are_theirs(viewer: Page, desk: Page) -> None:
    entries = "links => links.map(one => one.getAttribute('href'))"
    viewer.goto("/")
    is_rendered(viewer)
    rail = viewer.get_by_role("navigation", name="Main").first.get_by_role("link")
    offered = set(rail.evaluate_all(entries))
    everything = set(desk.get_by_role("navigation", name="Main").first.get_by_role("link").evaluate_all(entries))
    assert offered < everything
    assert offered.isdisjoint(OTHERS)
    assert {"/", "/stations", "/sessions"} <= offered
    for path in OTHERS:
        go(viewer, path)
        viewer.get_by_role("heading", name="No such page").wait_for()
