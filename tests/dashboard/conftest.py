"""A mesh with its dashboard, a browser, and pages whose faults fail the test."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
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
from tests.dashboard.fleets import PLATFORM_PASSWORD
from tests.running_mesh import SERVICES, RunningMesh, running_mesh
from tests.templates import shared_templates

# Each mesh that tests ask for, by its name, with its settings.
MESHES: Mapping[str, Mapping[str, str]] = {
    "mesh": {"CSMS_PLATFORM_ADMIN_PASSWORD": PLATFORM_PASSWORD},
    "simulated": {"CSMS_DEMO": "1", "CSMS_UNKNOWN_TOKENS": "accept", "CSMS_ACCESS_TOKEN_S": "10"},
}


@pytest.fixture(scope="package")
def meshes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], RunningMesh]]:
    """Gives a mesh by its name. All that the tests of this run ask for start at once: one beside tests of the other."""
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ())}
    folders = {name: tmp_path_factory.mktemp(name) for name in MESHES}
    shared_templates().copy_sqlite(SERVICES, tmp_path_factory.mktemp("templates"))  # made here, for both threads
    with ExitStack() as stack, ThreadPoolExecutor(len(MESHES)) as pool:
        begun: dict[str, Future[RunningMesh]] = {}

        def begin(name: str) -> "Future[RunningMesh]":
            if name not in begun:
                begun[name] = pool.submit(stack.enter_context, running_mesh(folders[name], **MESHES[name]))
            return begun[name]

        for name in asked & MESHES.keys():
            begin(name)
        yield lambda name: begin(name).result()


@pytest.fixture(scope="package")
def mesh(meshes: Callable[[str], RunningMesh]) -> RunningMesh:
    """A mesh that is ready, without stations; with a platform administrator."""
    return meshes("mesh")


@pytest.fixture(scope="package")
def simulated(meshes: Callable[[str], RunningMesh]) -> RunningMesh:
    """A mesh with simulated stations that have drivers, CP001 to CP005, and with the simulator's page."""
    return meshes("simulated")


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
def empty_desk(new_page: Callable[[RunningMesh, dict[str, Any]], Page], simulated: RunningMesh) -> Page:
    """A page of the mesh with simulated stations, at which the administrator is signed in, which shows nothing yet."""
    return new_page(simulated, session_of(simulated))


@pytest.fixture
def desk(empty_desk: Page) -> Page:
    """The start page of the mesh with simulated stations, at which the administrator is signed in."""
    empty_desk.goto("/")
    is_rendered(empty_desk)
    return empty_desk
