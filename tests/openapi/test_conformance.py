"""The REST API does what its document says, for requests that schemathesis makes from the document.

A mesh of its own, since it is called with whatever a request may be. As many requests an operation as fit into three
minutes; the seed is fixed, so that a fault is found again.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from tests.running_mesh import RunningMesh, running_mesh

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
EXAMPLES = os.environ.get("CSMS_API_EXAMPLES", "12")
TIMEOUT_S = 600.0
# It has no end: tests/front_door/test_server_sent_events.py holds it against the document.
ENDLESS = "EventService_StreamEvents"
# One caller makes all of the calls.
NO_LIMITS = {
    "CSMS_REQUESTS_PER_ADDRESS_S": "0",
    "CSMS_CALLS_PER_CALLER_S": "0",
    "CSMS_CALLS_PER_TENANT_S": "0",
}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh with something of each kind that the examples of the document name."""
    with running_mesh(tmp_path_factory.mktemp("conformance"), **NO_LIMITS) as running:
        bearer = {"authorization": f"Bearer {running.token()}"}
        for path, body in (
            ("/v1/sites", {"siteId": "berlin-mitte"}),
            ("/v1/stations", {"stationId": "CP001", "siteId": "berlin-mitte"}),
            ("/v1/idTokens", {"idToken": {"idToken": "04AB12CD", "type": "ISO14443"}}),
            ("/v1/auth:register", {"username": "ada", "password": "a long and quiet secret"}),
        ):
            answer = running.request("POST", path, body=body, **bearer)
            assert answer.status == 200, answer
        yield running


@pytest.fixture(scope="module")
def api_key(mesh: RunningMesh) -> str:
    """A key that may do all: a session would end with the calls that end sessions."""
    body = {"apiKey": {"displayName": "conformance", "roleAssignments": [{"roleId": "ADMINISTRATOR"}]}}
    answer = mesh.request("POST", "/v1/apiKeys", body=body, authorization=f"Bearer {mesh.token()}")
    assert answer.status == 200, answer
    return str(answer.json["secret"])


def test_answers_are_as_the_document_says(mesh: RunningMesh, api_key: str, tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_bytes((resources.files("csms") / "openapi.json").read_bytes())
    report = tmp_path / "report.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(document), "--url", mesh.http_url),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES),
        *("--exclude-operation-id", ENDLESS, "--header", f"x-api-key: {api_key}"),
        *("--workers", "2", "--seed", "1", "--continue-on-failure", "--no-color", "--no-shrink"),
        *("--generation-database", "none", "--suppress-health-check", "all", "--request-timeout", "60"),
        *("--report", "json", "--report-json-path", str(report)),
    ]
    done = subprocess.run(  # noqa: S603 - schemathesis
        command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert json.loads(report.read_text())
