"""The dashboard in German: no form of a command explains itself in English."""

import json
import re
from collections.abc import Callable

from csms.station.v1 import command_service_pb2
from playwright.sync_api import BrowserContext, Page, expect

from tests.dashboard.axe import go
from tests.dashboard.browsers import HURRIED, sign_in
from tests.dashboard.npm import DASHBOARD
from tests.running_mesh import RunningMesh

COMMANDS = command_service_pb2.DESCRIPTOR.services_by_name["CommandService"]
_TEXT = r'(".*"(?:\n".*")*)'
_ENTRY = re.compile(rf"^msgctxt {_TEXT}\nmsgid {_TEXT}\nmsgstr {_TEXT}$", re.MULTILINE)
_HELP = "main form > p, main form p[class*=help], main form [slot=description]"
# Opens what is closed in a form, and adds one item to each list and each message that is absent, however deep.
_OPEN_ALL = """async () => {
  const form = document.querySelector("main form");
  const next = () => [...form.querySelectorAll("fieldset:not(:has([class*=item])) > [class*=groupHead] > button")]
    .find((button) => button.textContent.endsWith("hinzufügen"));
  for (let button = next(); button; button = next()) {
    button.click();
    const count = form.querySelectorAll("*").length;
    for (let frames = 0; form.querySelectorAll("*").length === count; frames += 1) {
      if (frames > 600) throw new Error(`${button.textContent} adds nothing`);
      await new Promise((done) => requestAnimationFrame(done));
    }
  }
}"""


def _catalogue() -> dict[str, tuple[str, str]]:
    """The English and the German comments of the contract, by their names."""
    files = sorted((DASHBOARD / "src" / "i18n" / "comments" / "de").rglob("*.po"))
    entries = [match.groups() for file in files for match in _ENTRY.finditer(file.read_text(encoding="utf-8"))]
    texts = [["".join(map(json.loads, text.split("\n"))) for text in entry] for entry in entries]
    return {name: (original, text) for name, original, text in texts}


def _show(page: Page, command: str) -> None:
    """Shows the form of a command, by its name in the contract."""
    go(page, f"/stations/CP001?tab=commands&command={command}")
    expect(page.locator("main form pre").last).to_contain_text(f"CommandService/{command}")


def test_each_command_explains_itself_in_german(
    new_context: Callable[..., BrowserContext], simulated: RunningMesh
) -> None:
    page = new_context(timer_share=HURRIED, base_url=simulated.http_url, locale="de-DE").new_page()
    sign_in(page, "/", username="admin", password=simulated.admin_password)
    catalogue = _catalogue()
    german = {text for _, text in catalogue.values()}
    all_shown: set[str] = set()
    for method in COMMANDS.methods:
        _show(page, method.name)
        expect(page.locator(_HELP).first).to_have_text(catalogue[method.full_name][1])
        page.evaluate(_OPEN_ALL)
        shown = page.locator(_HELP).all_text_contents()
        assert [text for text in shown if text not in german] == [], method.name
        all_shown.update(shown)
    assert len(all_shown) > 200


def test_the_help_of_an_open_form_changes_with_the_language(desk: Page) -> None:
    catalogue = _catalogue()
    english, german = catalogue["csms.station.v1.ResetRequest.type"]
    of_value = [catalogue[f"csms.station.v1.ResetType.RESET_TYPE_{name}"][1] for name in ("IMMEDIATE", "ON_IDLE")]
    _show(desk, "Reset")
    expect(desk.locator("main form")).to_contain_text(english)
    desk.get_by_role("button", name="Account of admin").click()
    desk.get_by_role("menuitem", name="Deutsch").click()
    expect(desk.locator("main form")).to_contain_text(german)
    expect(desk.locator("main form")).not_to_contain_text(english)
    desk.locator("main form").get_by_role("button", name=re.compile(r"\bArt\b")).click()
    options = desk.get_by_role("option")
    for text in of_value:
        expect(options.filter(has_text=text)).to_have_count(1)
