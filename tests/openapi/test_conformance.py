"""The REST API does what its document says, for requests that schemathesis makes from the document.

A mesh of its own, since it is called with whatever a request may be. Bounded by the number of requests, which is set so
that a run takes less than three minutes on two busy cores; `make api-fuzz` makes more. The seed is fixed, so that a
fault is found again.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib import resources
from pathlib import Path

import pytest

from tests.gateway.raw_station import RawStation
from tests.running_mesh import RunningMesh, running_mesh

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
# Requests of an operation that are made at random, valid and invalid ones.
EXAMPLES = int(os.environ.get("CSMS_API_EXAMPLES", "2"))
# Beside them the bounds of each parameter: the valid ones; with more examples, all.
BOUNDS = "all" if EXAMPLES > 10 else "positive"
TIMEOUT_S = 3600.0 if EXAMPLES > 10 else 600.0
# It has no end: tests/front_door/test_server_sent_events.py holds it against the document.
ENDLESS = "EventService_StreamEvents"
# One caller makes all of the calls.
NO_LIMITS = {
    "CSMS_REQUESTS_PER_ADDRESS_S": "0",
    "CSMS_CALLS_PER_CALLER_S": "0",
    "CSMS_CALLS_PER_TENANT_S": "0",
}
CONFIGURATION = """\
[auth.openapi.apiKey]
api_key = "${CONFORMANCE_API_KEY}"

[phases.coverage]
generation.mode = "BOUNDS"
unexpected-methods = []
"""


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh with something of each kind that the examples of the document name."""
    with running_mesh(tmp_path_factory.mktemp("conformance"), **NO_LIMITS) as running:
        bearer = {"authorization": f"Bearer {running.token()}"}
        for path, body in (
            ("/v1/sites", {"siteId": "berlin-mitte"}),
            ("/v1/stations", {"stationId": "CP001", "siteId": "berlin-mitte", "securityProfile": 0}),
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


async def _charge(mesh: RunningMesh) -> None:
    """A transaction of the station of the examples, with what comes before and after it."""
    async with RawStation(f"{mesh.ocpp_url}/CP001") as station:
        await station.boot()
        time = "2026-12-01T08:30:00Z"
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": time}
        await station.call("StatusNotification", status)
        begin = {"connectorId": 1, "idTag": "04AB12CD", "meterStart": 1000, "timestamp": time}
        started = await station.call("StartTransaction", begin)
        end = {"transactionId": started["transactionId"], "meterStop": 9000, "timestamp": "2026-12-01T09:30:00Z"}
        await station.call("StopTransaction", end)
        await station.call("DataTransfer", {"vendorId": "com.example", "messageId": "m", "data": "d"})


def _run(mesh: RunningMesh, api_key: str, folder: Path, chosen: Sequence[str]) -> "subprocess.Popen[str]":
    """Starts schemathesis for some of the operations."""
    folder.mkdir()
    (folder / "openapi.json").write_bytes((resources.files("csms") / "openapi.json").read_bytes())
    (folder / "schemathesis.toml").write_text(CONFIGURATION.replace("BOUNDS", BOUNDS))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", mesh.http_url, *chosen),
        *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES)),
        *("--exclude-operation-id", ENDLESS, "--seed", "1", "--continue-on-failure", "--no-color", "--no-shrink"),
        *("--warnings", "off", "--generation-database", "none", "--suppress-health-check", "all"),
        *("--request-timeout", "60"),
    ]
    return subprocess.Popen(  # noqa: S603 - schemathesis
        command,
        cwd=folder,
        env={**os.environ, "CONFORMANCE_API_KEY": api_key},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_answers_are_as_the_document_says(mesh: RunningMesh, api_key: str, tmp_path: Path) -> None:
    """In two processes: hypothesis changes the depth of recursion for all threads of its own (CPython 3.11)."""
    asyncio.run(_charge(mesh))
    runs = [
        _run(mesh, api_key, tmp_path / name, (option, "^/v1/stations"))
        for name, option in (("stations", "--include-path-regex"), ("others", "--exclude-path-regex"))
    ]
    with ExitStack() as stack:
        for run in runs:
            stack.callback(run.wait)
            stack.callback(run.kill)
        texts = [run.communicate(timeout=TIMEOUT_S)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(text[-15_000:] for text in texts)
    tried = sum(int(found) for text in texts for found in re.findall(r"Tested: (\d+)", text))
    operations = json.loads((resources.files("csms") / "openapi.json").read_text())["paths"].values()
    assert tried == sum(map(len, operations)) - 1
