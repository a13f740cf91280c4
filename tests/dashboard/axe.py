"""axe on pages of the dashboard: a page is shown once, and its width and its scheme change in place."""

import json
from typing import Any, Literal

from playwright.sync_api import Page, ViewportSize

from tests.dashboard.browsers import is_rendered
from tests.dashboard.missing import AXE, package

SERIOUS = {"serious", "critical"}
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
# A scheme changes colours alone, so that the second one is looked at by the rules about colours alone.
SCHEMES: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast", "link-in-text-block"]},
}
# React Aria keeps an announcement for seconds, which may name a button that has gone since.
_PAGE = '{ exclude: [["[data-live-announcer]"]] }'
# A rule has one impact, whatever it finds. Those that find nothing serious are not run.
_LESSER = """Object.fromEntries(axe._audit.rules
  .filter(rule => rule.impact && !SERIOUS.includes(rule.impact))
  .map(rule => [rule.id, { enabled: false }]))"""
_SKELETON = "[class*=skeleton]"
# Two frames: in the first the page hears of the scheme, in the second its colours are those. No transition follows,
# since the page has none for who wants less motion.
_COLOURS_SETTLE = """async () => {
  for (let frames = 0; frames < 2; frames += 1) await new Promise((done) => requestAnimationFrame(done));
  if (document.getAnimations().some((each) => each instanceof CSSTransition)) throw new Error("a colour is changing");
}"""


def go(page: Page, path: str) -> None:
    """Shows a page of the application as its links do, without another load of the document; waits for its content."""
    page.evaluate("path => history.pushState(null, '', path)", path)
    settle(page)


def settle(page: Page) -> None:
    """Waits for the content of a page, which a skeleton stands for while it is read."""
    is_rendered(page)
    while page.locator(_SKELETON).count() > 0:
        page.locator(_SKELETON).first.wait_for(state="detached")
        is_rendered(page)


def serious_faults(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """The serious faults, each with its element. axe comes from the tests, past the policy of the page."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(package(AXE).read_text())
    lesser = page.evaluate(_LESSER.replace("SERIOUS", json.dumps(sorted(SERIOUS))))
    assert lesser, "no rule of axe has an impact"
    chosen = json.dumps({"resultTypes": ["violations"], "rules": lesser, **(options or {})})
    found: list[dict[str, Any]] = page.evaluate(f"axe.run({_PAGE}, {chosen}).then(result => result.violations)")
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def faults_everywhere(page: Page) -> list[str]:
    """The serious faults of what is shown and has settled, in each width and scheme.

    The width that the page has comes first: a page that goes from one test to the next settles in it once.
    """
    found = []
    page.emulate_media(reduced_motion="reduce")
    for size, viewport in sorted(SIZES.items(), key=lambda item: item[1] != page.viewport_size):
        if page.viewport_size != viewport:
            page.set_viewport_size(viewport)
            settle(page)
        for scheme, options in SCHEMES.items():
            page.emulate_media(color_scheme=scheme)
            page.evaluate(_COLOURS_SETTLE)
            found += [f"{size}, {scheme}: {fault}" for fault in serious_faults(page, options)]
    return found
