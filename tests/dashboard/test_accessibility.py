"""axe finds no serious fault on any page, in light and dark, at a desk and on a phone."""

from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.dashboard.browsers import is_rendered
from tests.dashboard.missing import AXE, package

# Each page, and who is there: `page` is a page that nobody has signed in at. A new page is a line here.
PAGES = {
    "/": "page",
    "/docs?call=CommandService_SetChargingProfile": "page",
    "/stations": "signed_in",
    "/none": "signed_in",
}
SERIOUS = {"serious", "critical"}
SCHEMES = ("light", "dark")
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def _faults(page: Page) -> list[str]:
    """The serious faults, each with its element. axe comes from the tests, past the policy of the page."""
    page.evaluate(package(AXE).read_text())
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_fault(request: pytest.FixtureRequest, path: str, scheme: Any, size: str) -> None:
    page: Page = request.getfixturevalue(PAGES[path])
    page.set_viewport_size(SIZES[size])
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(path)
    is_rendered(page)
    assert _faults(page) == []


def test_a_serious_fault_is_found(page: Page) -> None:
    page.goto("/")
    is_rendered(page)
    page.evaluate("document.body.append(document.createElement('button'))")
    assert any(fault.startswith("button-name: <button>") for fault in _faults(page))
