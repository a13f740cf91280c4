"""Makes the pictures of the README: `make pictures`. A mesh with simulated stations runs, and Chromium looks at it."""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize

from tests.dashboard.browsers import open_context, running_browser, sign_in
from tests.running_mesh import RunningMesh, running_mesh

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
_SIZE: ViewportSize = {"width": 1280, "height": 800}
_PATIENCE_MS = 180_000.0
# Drivers come and go; a picture shows some of them at work.
_SESSIONS = 3
_READINGS = 8


def _picture(page: Page, name: str) -> None:
    page.mouse.move(0, 0)
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")


def _open(page: Page, path: str, text: str) -> None:
    """Goes to a page and waits for a text of its content, not of its frame."""
    page.goto(path)
    page.get_by_role("main").get_by_text(text).first.wait_for()


def _take(page: Page) -> None:
    """Takes the pictures, at a page that is signed in."""
    _open(page, "/sessions", "kWh")
    page.wait_for_function(f"() => document.querySelectorAll(\"main a[href*='/sessions/']\").length >= {_SESSIONS}")
    page.locator("main a[href*='/sessions/']").first.click()
    rows = "Number(document.querySelector('[role=grid][aria-label=Readings]')?.getAttribute('aria-rowcount'))"
    page.wait_for_function(f"() => {rows} > {_READINGS}")
    _picture(page, "session")
    _open(page, "/stations", "CP001")
    _picture(page, "stations")
    _open(page, "/stations/CP001?tab=commands", "Request start transaction")
    _picture(page, "commands")


def _take_all(mesh: RunningMesh) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        running_browser() as browser,
        open_context(
            browser,
            base_url=mesh.http_url,
            viewport=_SIZE,
            color_scheme="light",
            locale="en-GB",
            timezone_id="Europe/Berlin",
        ) as context,
    ):
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        sign_in(page, "/", username="admin", password=mesh.admin_password)
        _take(page)


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="csms-pictures-") as directory,
        running_mesh(Path(directory), CSMS_DEMO="1", CSMS_UNKNOWN_TOKENS="accept") as running,
    ):
        _take_all(running)
