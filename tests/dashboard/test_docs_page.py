"""The page at /docs in a browser: find a call, sign in or paste a key, send it, read the answer as it comes."""

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboard.browsers import Faults
from tests.running_mesh import RunningMesh


def _open(page: Page, call: str) -> None:
    page.goto(f"/docs?call={call}")
    page.get_by_role("heading", name=call.replace("_", ".")).wait_for()


def _key(mesh: RunningMesh) -> str:
    body = {"apiKey": {"displayName": "docs", "roleAssignments": [{"roleId": "ADMINISTRATOR"}]}}
    made: Any = mesh.request("POST", "/v1/apiKeys", body=body, authorization=f"Bearer {mesh.token()}").json
    return str(made["secret"])


def test_a_call_is_found_signed_in_for_and_sent(page: Page, mesh: RunningMesh) -> None:
    page.goto("/docs")
    page.get_by_label("Search calls").fill("list stations viewer")
    expect(page.get_by_text("No call has these words.")).to_be_visible()
    page.get_by_label("Search calls").fill("liststations")
    page.get_by_role("link", name="GET stations", exact=True).click()
    expect(page).to_have_url(f"{mesh.http_url}/docs?search=liststations&call=StationService_ListStations")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(mesh.admin_password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Calls are made as admin")).to_be_visible()
    page.get_by_label("filter").fill("")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("200 OK")).to_be_visible()
    shown = page.get_by_label("application/json", exact=True).text_content() or ""
    assert set(json.loads(shown)) == {"stations", "nextPageToken"}  # stations of other tests may be there


def test_a_pasted_key_and_an_error(page: Page, mesh: RunningMesh, faults: Faults) -> None:
    faults.expect("404")
    _open(page, "StationService_GetStation")
    page.get_by_role("button", name="Sign-in Access").click()
    page.get_by_role("option", name="API key").click()
    page.get_by_placeholder("Paste it here").fill(_key(mesh))
    page.get_by_label("stationId").fill("nobody/here")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("404 Not Found")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("STATION_NOT_FOUND")).to_be_visible()


def test_a_stream_is_shown_as_it_comes_and_stopped(page: Page, mesh: RunningMesh) -> None:
    _open(page, "EventService_StreamEvents")
    page.get_by_role("button", name="Sign-in Access").click()
    page.get_by_role("option", name="Access token").click()
    page.get_by_placeholder("Paste it here").fill(mesh.token())
    page.get_by_label("afterCursor").fill("0")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("event: user.created")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


def test_a_required_parameter_and_a_body_that_is_no_json_are_named(page: Page) -> None:
    _open(page, "CommandService_DataTransfer")
    page.get_by_label("stationId").fill("")
    page.get_by_label("Body (JSON)").fill("{")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Needed")).to_be_visible()
    expect(page.get_by_text("This is not JSON.")).to_be_visible()
