"""A mesh with its dashboard, a browser, and pages whose faults fail the test."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.dashboard.browsers import PATIENCE_MS, Faults, running_browser, sign_in
from tests.running_mesh import RunningMesh, running_mesh


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh that is ready, without stations."""
    with running_mesh(tmp_path_factory.mktemp("mesh")) as running:
        yield running


# Of this folder and no longer: Playwright runs an event loop in this thread, and tests of other folders run theirs. So
# a test with a browser is an ordinary function; what it needs of asyncio runs in a thread or a process.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without any page."""
    with running_browser() as running:
        yield running


@pytest.fixture
def faults() -> Iterator[Faults]:
    """The faults of the test's pages. One that the test does not expect fails it."""
    found = Faults()
    yield found
    assert found.unexpected() == []


@pytest.fixture
def new_context(browser: Browser, mesh: RunningMesh, faults: Faults) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browser contexts, each as a person of their own, that are closed after the test."""
    contexts = []

    def open_one(**options: object) -> BrowserContext:
        context = browser.new_context(**{"base_url": mesh.http_url, **options})  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        faults.watch(context)
        return context

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A page that nobody has signed in at."""
    return new_context().new_page()


@pytest.fixture
def signed_in(page: Page, mesh: RunningMesh) -> Page:
    """A page at which the administrator has signed in."""
    sign_in(page, "/", username="admin", password=mesh.admin_password)
    return page
