"""A mesh with its dashboard, a browser, and pages whose faults fail the test."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from tests.dashboard.browsers import PATIENCE_MS, Faults, is_rendered, open_context, running_browser, sign_in
from tests.running_mesh import RunningMesh, running_mesh

SIGN_IN_AGAIN_S = 300.0  # a token is good for 15 minutes, and refreshed in its last one


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

    def open_one(**options: object) -> BrowserContext:
        if "base_url" not in options:
            options["base_url"] = request.getfixturevalue("mesh").http_url
        context = open_context(browser, **options)
        contexts.append(context)
        faults.watch(context)
        return context

    yield open_one
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A page that nobody has signed in at."""
    return new_context().new_page()


@pytest.fixture(scope="package")
def administrator(browser: Browser, mesh: RunningMesh) -> Callable[[], StorageState]:
    """Gives what a browser stores once the administrator has signed in, by a fresh sign-in now and then.

    Contexts that share a sign-in would spoil it for each other if two of them refreshed its token.
    """
    states: list[StorageState] = []
    signed_in_s = 0.0

    def state() -> StorageState:
        nonlocal signed_in_s
        if not states or time.monotonic() - signed_in_s > SIGN_IN_AGAIN_S:
            with open_context(browser, base_url=mesh.http_url) as context:
                sign_in(context.new_page(), "/", username="admin", password=mesh.admin_password)
                states[:], signed_in_s = [context.storage_state()], time.monotonic()
        return states[0]

    return state


@pytest.fixture
def signed_in(new_context: Callable[..., BrowserContext], administrator: Callable[[], StorageState]) -> Page:
    """A page at which the administrator is signed in, which shows nothing yet."""
    return new_context(storage_state=administrator()).new_page()


@pytest.fixture
def start_page(signed_in: Page) -> Page:
    """The start page of the administrator."""
    signed_in.goto("/")
    is_rendered(signed_in)
    return signed_in


@pytest.fixture
def desk(new_context: Callable[..., BrowserContext], simulated: RunningMesh) -> Page:
    """A page of the mesh with simulated stations, at which the administrator has signed in."""
    page = new_context(base_url=simulated.http_url).new_page()
    sign_in(page, "/", username="admin", password=simulated.admin_password)
    is_rendered(page)
    return page
