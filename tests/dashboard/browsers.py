"""Chromium for the tests, and the faults that its pages report."""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    StorageState,
    WebError,
    sync_playwright,
)

from tests.dashboard.missing import chromium
from tests.running_mesh import RunningMesh

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

    def watch_page(self, page: Page) -> None:
        """Collects from now on those of one page, which is new: its context serves other tests too."""
        page.on("console", self._on_console)
        page.on("pageerror", self._on_page_error)
        page.on("requestfailed", self._on_failed_request)
        page.expose_function("reportViolation", lambda text: self.found.append(f"policy: {text}"))
        page.add_init_script(_REPORT_VIOLATIONS)

    @contextmanager
    def of_page(self, page: Page) -> Iterator[None]:
        """Collects those of one page, during a `with`: a page that serves several tests."""
        handlers = {
            "console": self._on_console,
            "pageerror": self._on_page_error,
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
        self._on_page_error(error.error)

    def _on_page_error(self, error: Error) -> None:
        self.found.append(f"exception: {error}")

    def _on_failed_request(self, request: Request) -> None:
        # A page that is left ends its streams.
        if request.failure != "net::ERR_ABORTED":
            self.found.append(f"request: {request.failure} {request.url}")


# Requests that never end: a browser does not report the script of a shared worker as loaded, and a stream is a request.
_ENDLESS = re.compile(r"worker|/WatchEvents$")
_UNDERWAY: WeakKeyDictionary[BrowserContext, set[Request]] = WeakKeyDictionary()
# Notes the work that a page has yet to do without a sign of it: the turns of React's scheduler, and timers that are due
# soon. By one of those React holds back for 300 ms what follows a part that was waited for (FALLBACK_THROTTLE_MS): here
# for a turn. React alone gives a timer a bound function; SHARE is of the time that all other such timers have.
_NOTE_WORK = """
(() => {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const work = { soon: new Set(), turnMs: 0 };
  globalThis.pageWork = work;
  globalThis.setTimeout = (run, ms = 0, ...rest) => {
    if (ms > 350 || typeof run !== "function") return set(run, ms, ...rest);
    const waitMs = SHARE === null ? ms : run.name.startsWith("bound ") ? 0 : ms * SHARE;
    const id = set((...given) => { work.soon.delete(id); run(...given); }, waitMs, ...rest);
    work.soon.add(id);
    return id;
  };
  globalThis.clearTimeout = (id) => { work.soon.delete(id); clear(id); };
  const post = MessagePort.prototype.postMessage;
  MessagePort.prototype.postMessage = function (...given) {
    work.turnMs = performance.now();
    return post.apply(this, given);
  };
})();
"""
# A page that is live may never be quiet.
_QUIET = """(quietMs) => new Promise((resolve) => {
  const { pageWork } = globalThis;
  const startMs = performance.now();
  let changedMs = startMs;
  const observer = new MutationObserver(() => { changedMs = performance.now(); });
  observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (pageWork.soon.size > 0) changedMs = nowMs;
    if (nowMs - Math.max(changedMs, pageWork.turnMs) < quietMs && nowMs - startMs < 3000) return;
    clearInterval(timer);
    observer.disconnect();
    resolve();
  }, 10);
})"""
HURRIED = 0.1  # the share of a walk
QUIET_MS = 100  # what has come is shown within it, even where the machine is busy
_QUIET_WITHIN_S = 3.0


def open_context(browser: Browser, *, timer_share: float | None = 1.0, **options: object) -> BrowserContext:
    """A browser context, as a person of its own, with what `is_rendered` waits for noted.

    Timers of its pages that are due within 350 ms last that share of their time: a walk looks at what is there in the
    end, and a flow has all delays but React's. None: that one too, for those who measure.
    """
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(_NOTE_WORK.replace("SHARE", json.dumps(timer_share)))
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
        asked = _asks(page, underway)
        page.evaluate(_QUIET, QUIET_MS)
        if time.monotonic() > deadline_s or not (asked or _asks(page, underway)):
            return


def _asks(page: Page, underway: set[Request]) -> bool:
    return any(request.frame.page == page for request in underway)


# The key of a session in the browser's storage (dashboard/src/api/session.ts).
_SESSION_KEY = "csms.session"
# Once, before the first document of the page is there: what the page stores itself stays when it is loaded anew.
_BEGIN = """
if (location.protocol.startsWith("http") && sessionStorage.getItem("tests.begun") === null) {
  sessionStorage.setItem("tests.begun", "yes");
  localStorage.clear();
  if (SESSION !== null) localStorage.setItem(KEY, JSON.stringify(SESSION));
}
"""


def begin_with(page: Page, session: dict[str, Any] | None) -> None:
    """Empties the storage of a new page's context, but for a session, before it shows anything.

    None is for a page that nobody has signed in at.
    """
    page.add_init_script(_BEGIN.replace("KEY", json.dumps(_SESSION_KEY)).replace("SESSION", json.dumps(session)))


def storage_of(origin: str, session: dict[str, Any]) -> StorageState:
    """The storage of a browser in which somebody has signed in before: tabs find it that open all at once."""
    item: Any = {"name": _SESSION_KEY, "value": json.dumps(session)}
    return {"cookies": [], "origins": [{"origin": origin, "localStorage": [item]}]}


def session_of(
    mesh: RunningMesh, *, username: str = "admin", password: str = "", tenant_id: str = ""
) -> dict[str, Any]:
    """A sign-in, by default the administrator's, as the dashboard stores it (dashboard/src/api/session.ts)."""
    body = {"username": username, "password": password or mesh.admin_password, "tenantId": tenant_id}
    answer = mesh.request("POST", "/v1/auth:login", body=body)
    assert answer.status == 200, answer
    life_ms = answer.json["expiresInS"] * 1000
    return {
        "accessToken": answer.json["accessToken"],
        "refreshToken": answer.json["refreshToken"],
        "lifeMs": life_ms,
        "expiresAtMs": int(time.time() * 1000) + life_ms,
        "username": username,
        "tenantId": answer.json["user"].get("tenantId", ""),
    }


def sign_in(page: Page, url: str, *, username: str, password: str) -> None:
    """Signs in by the form, which has the fields that password managers look for."""
    page.goto(url)
    page.locator("input[autocomplete=username]").fill(username)
    page.locator("input[autocomplete=current-password]").fill(password)
    page.locator("button[type=submit]").click()
    page.locator("input[autocomplete=current-password]").wait_for(state="detached")
