"""`python -m station_svc` as it is started, in a process of its own."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import grpc
import msgspec
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.mesh_identities import mesh_environment

ROOT = Path(__file__).parents[2]
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The database is empty: the process migrates it."""
    return ()


async def _start(*arguments: str, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "station_svc",
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'gen'}:{ROOT}", **environment},
        stdout=PIPE,
        stderr=PIPE,
    )


def _environment(database_url: str) -> dict[str, str]:
    return {
        "CSMS_DATABASE_URL": database_url,
        "CSMS_STATION_ADDRESS": "127.0.0.1:0",
        "CSMS_STATION_OPERATOR_ADDRESS": "127.0.0.1:0",
        "CSMS_AUTH_ADDRESS": "127.0.0.1:1",
        **mesh_environment("station"),
    }


async def test_it_migrates_serves_and_stops(database_url: str) -> None:
    """Migrated first, it serves until a signal stops it, and then ends well.

    Without auth_svc it is ready for stations' messages, and not for operators, whom it cannot know.
    """
    environment = _environment(database_url)
    migrating = await _start("migrate", **environment)
    _out, errors = await migrating.communicate()
    assert migrating.returncode == 0, errors.decode()

    serving = await _start(**environment)
    assert serving.stderr is not None
    try:
        ports = await asyncio.wait_for(_ports(serving.stderr), 120)
        for port, status in zip(ports, (SERVING, NOT_SERVING), strict=True):
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
            assert answer.status == status
    finally:
        serving.send_signal(signal.SIGTERM)
        _out, errors = await asyncio.wait_for(serving.communicate(), 120)
    assert serving.returncode == 0, errors.decode()


async def test_a_missing_setting_is_one_line(tmp_path: Path) -> None:
    """The line names the setting."""
    environment = _environment(f"sqlite:///{tmp_path / 'x.db'}")
    environment["CSMS_AUTH_ADDRESS"] = ""
    process = await _start(**environment)
    _out, errors = await process.communicate()
    assert process.returncode == 78
    assert errors.decode().count("\n") == 1
    assert "CSMS_AUTH_ADDRESS" in errors.decode()


async def _ports(lines: asyncio.StreamReader) -> tuple[int, int]:
    async for line in lines:
        event = msgspec.json.decode(line)
        if event.get("event") == "serving":
            return event["mesh_port"], event["operator_port"]
    raise AssertionError("it ended before it served")
