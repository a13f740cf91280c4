"""axe finds no serious fault on any page, in light and dark, at a desk and on a phone."""

from typing import Any, Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.dashboard.browsers import Faults, is_rendered
from tests.dashboard.missing import AXE, package

# Pages that nobody has signed in at, and pages of the administrator. A new page is a word here.
PUBLIC = ("/sign-in",)
PAGES = (
    *(
        "/",
        "/stations",
        "/sessions",
        "/sites",
        "/sites/map",
        "/tokens",
        "/rollouts",
        "/reports",
        "/events",
        "/quarantine",
        "/simulator",
    ),
    *("/users", "/roles", "/api-keys", "/sign-ins", "/audit", "/meter-profiles", "/certificates", "/account"),
    *("/reservations", "/charging-profiles", "/firmware", "/log-uploads", "/local-lists"),
    *("/installed-certificates", "/certificate-requests"),
    *("/tenants", "/none", "/stations/none"),
)
SERIOUS = {"serious", "critical"}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
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


def _faults_of(page: Page, path: str) -> list[str]:
    """The faults in each scheme and size, of one load of the page: colours and widths change in place."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(path)
    found = []
    for size, viewport in SIZES.items():
        page.set_viewport_size(viewport)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            is_rendered(page)
            found += [f"{size}, {scheme}: {fault}" for fault in _faults(page)]
    return found


@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_without_a_sign_in_has_no_serious_fault(page: Page, path: str) -> None:
    assert _faults_of(page, path) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_fault(signed_in: Page, faults: Faults, path: str) -> None:
    faults.expect("status of (403|404)")  # of a page about something that is not there
    assert _faults_of(signed_in, path) == []


def test_a_serious_fault_is_found(page: Page) -> None:
    page.goto("/")
    is_rendered(page)
    page.evaluate("document.body.append(document.createElement('button'))")
    assert any(fault.startswith("button-name: <button>") for fault in _faults(page))
