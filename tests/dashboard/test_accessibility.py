"""axe finds no serious fault on any page, in light and dark, at a desk and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.dashboard.axe import faults_everywhere, go, serious_faults
from tests.dashboard.browsers import HURRIED, Faults, begin_with, is_rendered, open_context, session_of
from tests.running_mesh import RunningMesh

# Pages that nobody has signed in at, and pages of the administrator. A new page is a word here, or, where its data has
# more than an empty list, in tests/dashboard/test_accessibility_of_data.py.
PUBLIC = ("/sign-in",)
PAGES = (
    *("/", "/sites/map", "/quarantine", "/simulator", "/variable-drifts"),
    *("/users", "/roles", "/api-keys", "/sign-ins", "/audit", "/meter-profiles", "/certificates", "/account"),
    *("/reservations", "/charging-profiles", "/firmware", "/log-uploads", "/local-lists"),
    *("/installed-certificates", "/certificate-requests"),
    *("/tenants", "/none", "/stations/none"),
)


@pytest.fixture(scope="module")
def walker(browser: Browser, mesh: RunningMesh) -> Iterator[Page]:
    """A page that goes from one test to the next, as a person does."""
    with open_context(browser, timer_share=HURRIED, base_url=mesh.http_url) as context:
        page = context.new_page()
        begin_with(page, session_of(mesh))
        page.goto("/")
        is_rendered(page)
        yield page


@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_without_a_sign_in_has_no_serious_fault(page: Page, path: str) -> None:
    page.goto(path)
    is_rendered(page)
    assert faults_everywhere(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_fault(walker: Page, path: str) -> None:
    faults = Faults()
    faults.expect("status of (403|404)")  # of a page about something that is not there
    with faults.of_page(walker):
        go(walker, path)
        assert faults_everywhere(walker) == []
    assert faults.unexpected() == []


def test_a_serious_fault_is_found(page: Page) -> None:
    page.goto("/")
    is_rendered(page)
    page.evaluate("document.body.append(document.createElement('button'))")
    assert any(fault.startswith("button-name: <button>") for fault in serious_faults(page))
