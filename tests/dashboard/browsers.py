"""Chromium for the tests, and the faults that its pages report."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError, sync_playwright

from tests.dashboard.missing import chromium

# A name that is not localhost: on plain HTTP its pages are insecure for a browser, which leaves out a part of its APIs.
NAME = "mesh.test"
PATIENCE_MS = 30_000.0
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1",
)
# The listener comes from the tests, past the policy that it watches.
_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser with a profile of its own, until the end of the `with`."""
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium has no sandbox for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*_FLAGS, *sandbox])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Faults:
    """Errors of the console, exceptions, failed requests and violations of the policy, of all pages of a context."""

    found: list[str] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def expect(self, pattern: str) -> None:
        """Names a fault that belongs to the test, such as the refusal of a wrong password."""
        self._expected.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        """Collects from now on."""
        context.on("console", self._on_console)
        context.on("weberror", self._on_exception)
        context.on("requestfailed", self._on_failed_request)
        context.expose_function("reportViolation", lambda text: self.found.append(f"policy: {text}"))
        context.add_init_script(_REPORT_VIOLATIONS)

    @contextmanager
    def of_page(self, page: Page) -> Iterator[None]:
        """Collects those of one page, during a `with`: a page that serves several tests."""
        handlers = {
            "console": self._on_console,
            "pageerror": lambda error: self.found.append(f"exception: {error}"),
            "requestfailed": self._on_failed_request,
        }
        for event, handler in handlers.items():
            page.on(event, handler)  # type: ignore[call-overload]
        try:
            yield
        finally:
            for event, handler in handlers.items():
                page.remove_listener(event, handler)

    def wait_for(self, page: Page, pattern: str) -> None:
        """Waits until a fault is found that has the pattern, and expects it. Raises TimeoutError."""
        self.expect(pattern)
        deadline_s = time.monotonic() + PATIENCE_MS / 1000
        while not any(re.search(pattern, fault) for fault in self.found):
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"no fault like {pattern!r}, only: {self.found}")
            page.wait_for_timeout(20)  # events come in only during a call of Playwright

    def unexpected(self) -> list[str]:
        """The faults that no test has named."""
        return [fault for fault in self.found if not any(re.search(each, fault) for each in self._expected)]

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text} ({message.location['url']})")

    def _on_exception(self, error: WebError) -> None:
        self.found.append(f"exception: {error.error}")

    def _on_failed_request(self, request: Request) -> None:
        # A page that is left ends its streams.
        if request.failure != "net::ERR_ABORTED":
            self.found.append(f"request: {request.failure} {request.url}")


# Requests that never end: a browser does not report the script of a shared worker as loaded, and a stream is a request.
_ENDLESS = re.compile(r"worker|/WatchEvents$")
_UNDERWAY: WeakKeyDictionary[BrowserContext, set[Request]] = WeakKeyDictionary()
# A page that is live may never be quiet.
_QUIET = """(quietMs) => new Promise((resolve) => {
  const quiet = () => { observer.disconnect(); resolve(true); };
  let timer = setTimeout(quiet, quietMs);
  setTimeout(quiet, 3000);
  const observer = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(quiet, quietMs); });
  observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
})"""
# React holds back for 300 ms what follows a part that was waited for (FALLBACK_THROTTLE_MS), without a sign of it.
QUIET_MS = 350
_QUIET_WITHIN_S = 3.0


def open_context(browser: Browser, **options: object) -> BrowserContext:
    """A browser context, as a person of its own, with the requests underway noted for `is_rendered`."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    underway = _UNDERWAY[context] = set()

    def begin(request: Request) -> None:
        if not _ENDLESS.search(request.url):
            underway.add(request)

    def end(request: Request) -> None:
        underway.discard(request)

    context.on("request", begin)
    context.on("requestfinished", end)
    context.on("requestfailed", end)
    return context


def is_rendered(page: Page) -> None:
    """Waits until the page has its heading, all that it asked for, and no change for a moment; some seconds at most."""
    page.locator("h1").first.wait_for()
    underway = _UNDERWAY[page.context]
    deadline_s = time.monotonic() + _QUIET_WITHIN_S
    while True:
        page.evaluate(_QUIET, QUIET_MS)
        asked = any(request.frame.page == page for request in underway)
        if not asked or time.monotonic() > deadline_s:
            return


def sign_in(page: Page, url: str, *, username: str, password: str) -> None:
    """Signs in by the form, which has the fields that password managers look for."""
    page.goto(url)
    page.locator("input[autocomplete=username]").fill(username)
    page.locator("input[autocomplete=current-password]").fill(password)
    page.locator("button[type=submit]").click()
    page.locator("input[autocomplete=current-password]").wait_for(state="detached")
