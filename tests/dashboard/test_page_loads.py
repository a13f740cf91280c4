"""Pages of the dashboard in a browser: they load, reload, keep to the policy, and have faults noticed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, Response

from tests.dashboard.browsers import NAME, Faults, is_rendered, sign_in
from tests.dashboard.test_sizes import FIRST_VIEW_KB, ROUTE_KB
from tests.running_mesh import RunningMesh


def test_a_route_of_the_application_can_be_opened_and_reloaded(signed_in: Page) -> None:
    for path in ("/stations", "/stations/CP.1?tab=sessions", "/none"):
        answer = signed_in.goto(path)
        assert answer is not None
        assert answer.status == 200
        is_rendered(signed_in)
        assert signed_in.url.endswith(path)
    signed_in.reload()
    is_rendered(signed_in)
    assert signed_in.url.endswith("/none")


def test_a_name_that_is_not_localhost_works_on_plain_http(page: Page, mesh: RunningMesh) -> None:
    page.goto(mesh.http_url.replace("127.0.0.1", NAME))
    is_rendered(page)
    assert page.evaluate("window.isSecureContext") is False


def test_nothing_is_loaded_from_elsewhere(page: Page, mesh: RunningMesh) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    sign_in(page, "/", username="admin", password=mesh.admin_password)
    is_rendered(page)
    assert len(urls) >= 2
    assert [url for url in urls if not url.startswith(f"{mesh.http_url}/")] == []


def test_a_second_visit_loads_the_index_alone(first_visit: Page) -> None:
    """Hashed files come from the browser's cache, without a request."""
    page = first_visit
    page.goto("/")
    is_rendered(page)
    loaded = page.evaluate("performance.getEntriesByType('resource').filter(e => e.name.includes('/assets/')).length")
    page.goto("/stations")
    is_rendered(page)
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.includes('/assets/')).map(e => e.transferSize)"
    )
    assert loaded >= 1
    assert sizes
    assert set(sizes) == {0}


def test_the_first_view_is_small(first_visit: Page, mesh: RunningMesh) -> None:
    """All that is loaded until somebody sees the first page, but for the worker of the stream; then the start page."""
    page = first_visit
    loaded: list[Response] = []
    page.on("response", lambda response: loaded.append(response))  # noqa: PLW0108 - Playwright marks the function

    def loaded_kb() -> float:
        files = [each for each in loaded if each.request.method == "GET" and "worker" not in each.url]
        assert {each.status for each in files} == {200}
        return sum(each.request.sizes()["responseBodySize"] for each in files) / 1000

    page.goto("/")
    is_rendered(page)
    first_kb = loaded_kb()
    assert 100 < first_kb <= FIRST_VIEW_KB
    loaded.clear()
    sign_in(page, "/", username="admin", password=mesh.admin_password)
    is_rendered(page)
    assert loaded_kb() <= ROUTE_KB


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (
            "const s = document.createElement('style'); s.textContent = 'b{}'; document.head.append(s)",
            "policy: style-src",
        ),
        (
            "const s = document.createElement('script'); s.textContent = '1'; document.head.append(s)",
            "policy: script-src",
        ),
        ("document.body.setAttribute('style', 'color: red')", "policy: style-src-attr"),
        ("fetch('http://127.0.0.1:1/').catch(() => {})", "policy: connect-src"),
        ("setTimeout(() => { throw new Error('broken') })", "exception: .*broken"),
        ("console.error('said')", "console: said"),
        ("fetch('/v1/none')", "console: .*404"),
    ],
)
def test_each_kind_of_fault_is_noticed(page: Page, faults: Faults, script: str, kind: str) -> None:
    """The fixture would fail the test; here it has to have found the fault."""
    page.goto("/")
    is_rendered(page)
    assert faults.unexpected() == []
    page.evaluate(f"() => {{ {script} }}")
    faults.wait_for(page, kind)
    faults.expect("Content Security Policy|net::ERR_")  # the console reports a violation and a failed request, too


def test_styles_through_the_object_model_are_admitted(page: Page) -> None:
    """As React, uPlot and virtual lists set them."""
    page.goto("/")
    page.evaluate("document.body.style.height = '7px'")
    assert page.evaluate("document.body.style.height") == "7px"


def test_no_frame_of_another_site_shows_the_dashboard(
    new_context: Callable[..., BrowserContext], mesh: RunningMesh, faults: Faults
) -> None:
    """The outer page is one of the mesh without a policy of its own, by another name."""
    page = new_context().new_page()
    page.goto(f"http://{NAME}:{mesh.http_url.rpartition(':')[2]}/healthz")
    page.evaluate(
        "url => { document.body.append(Object.assign(document.createElement('iframe'), {src: url})) }", mesh.http_url
    )
    faults.wait_for(page, "console: .*frame-ancestors")
    faults.expect("ERR_BLOCKED_BY_RESPONSE|favicon")
