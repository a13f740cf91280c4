"""A mesh with its dashboard, a browser, and pages whose faults fail the test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.dashboard.browsers import (
    PATIENCE_MS,
    Faults,
    begin_with,
    is_rendered,
    open_context,
    running_browser,
    session_of,
)
from tests.running_mesh import RunningMesh, running_mesh


@pytest.fixture(scope="package")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh that is ready, without stations."""
    with running_mesh(tmp_path_factory.mktemp("mesh")) as running:
        yield running


@pytest.fixture(scope="package")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh with simulated stations that have drivers, CP001 to CP005, and with the simulator's page."""
    settings = {"CSMS_DEMO": "1", "CSMS_UNKNOWN_TOKENS": "accept", "CSMS_ACCESS_TOKEN_S": "20"}
    with running_mesh(tmp_path_factory.mktemp("simulated"), **settings) as running:
        yield running


# Of this folder and no longer: Playwright runs an event loop in this thread, and tests of other folders run theirs. So
# a test with a browser is an ordinary function; what it needs of asyncio runs in a thread or a process.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without any page. Expectations have the patience of all other waits: its default is 5 s."""
    expect.set_options(timeout=PATIENCE_MS)
    with running_browser() as running:
        yield running


@pytest.fixture
def faults() -> Iterator[Faults]:
    """The faults of the test's pages. One that the test does not expect fails it."""
    found = Faults()
    yield found
    assert found.unexpected() == []


@pytest.fixture
def new_context(
    browser: Browser, request: pytest.FixtureRequest, faults: Faults
) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browser contexts, each as a person of their own, that are closed after the test."""
    contexts = []

    def open_one(*, timer_share: float = 1.0, **options: object) -> BrowserContext:
        if "base_url" not in options:
            options["base_url"] = request.getfixturevalue("mesh").http_url
        context = open_context(browser, timer_share=timer_share, **options)
        contexts.append(context)
        faults.watch(context)
        return context

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture(scope="package")
def warm_context(browser: Browser) -> Iterator[Callable[[RunningMesh], BrowserContext]]:
    """Gives the browser context of a mesh that all tests share: it has loaded the application already."""
    contexts: dict[str, BrowserContext] = {}

    def of_mesh(mesh: RunningMesh) -> BrowserContext:
        if mesh.http_url not in contexts:
            contexts[mesh.http_url] = open_context(browser, base_url=mesh.http_url)
        return contexts[mesh.http_url]

    yield of_mesh
    for context in contexts.values():
        context.close()


@pytest.fixture
def new_page(
    warm_context: Callable[[RunningMesh], BrowserContext], faults: Faults
) -> Iterator[Callable[[RunningMesh, dict[str, Any] | None], Page]]:
    """Opens a page of a mesh, which shows nothing yet, with a session or without one; it is closed after the test.

    Pages of one mesh have one storage: somebody else is a context of their own, by `new_context`.
    """
    pages: dict[str, Page] = {}

    def open_one(mesh: RunningMesh, session: dict[str, Any] | None) -> Page:
        assert mesh.http_url not in pages, "a second page would empty the storage of the first"
        page = pages[mesh.http_url] = warm_context(mesh).new_page()
        faults.watch_page(page)
        begin_with(page, session)
        return page

    yield open_one
    for page in pages.values():
        page.close()


@pytest.fixture
def page(new_page: Callable[[RunningMesh, None], Page], mesh: RunningMesh) -> Page:
    """A page that nobody has signed in at."""
    return new_page(mesh, None)


@pytest.fixture
def first_visit(new_context: Callable[..., BrowserContext]) -> Page:
    """A page in a browser that has loaded nothing yet, which nobody has signed in at."""
    return new_context().new_page()


@pytest.fixture
def signed_in(new_page: Callable[[RunningMesh, dict[str, Any]], Page], mesh: RunningMesh) -> Page:
    """A page at which the administrator is signed in, which shows nothing yet."""
    return new_page(mesh, session_of(mesh))


@pytest.fixture
def start_page(signed_in: Page) -> Page:
    """The start page of the administrator."""
    signed_in.goto("/")
    is_rendered(signed_in)
    return signed_in


@pytest.fixture
def desk(new_page: Callable[[RunningMesh, dict[str, Any]], Page], simulated: RunningMesh) -> Page:
    """The start page of the mesh with simulated stations, at which the administrator is signed in."""
    page = new_page(simulated, session_of(simulated))
    page.goto("/")
    is_rendered(page)
    return page
