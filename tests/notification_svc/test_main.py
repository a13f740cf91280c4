"""`python -m notification_svc` as a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc
from csms.event.v1.event_ingest_service_pb2 import PublishEventsRequest
from csms.event.v1.event_ingest_service_pb2_grpc import EventIngestServiceStub

from tests.mesh_identities import identity_of, mesh_environment
from tests.notification_svc.rig import item

ROOT = Path(__file__).resolve().parents[2]


def test_whole_process_serves_and_stops(tmp_path: Path) -> None:
    """It migrates, takes an event in, and ends cleanly on SIGTERM."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CSMS_")}
    settings = {
        "CSMS_NOTIFICATION_ADDRESS": "127.0.0.1:0",
        "CSMS_NOTIFICATION_OPERATOR_ADDRESS": "127.0.0.1:0",
        "CSMS_AUTH_ADDRESS": "127.0.0.1:1",
        **mesh_environment("notification"),
        "CSMS_AUTO_MIGRATE": "1",
        "CSMS_DATA_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "gen")]),
    }
    log = tmp_path / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "notification_svc"], env=kept | settings, cwd=tmp_path, stderr=stderr
        )
        try:
            port = _await_port(log)
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                proofs = identity_of("station").proofs("notification")()
                request = PublishEventsRequest(items=[item("a")])
                EventIngestServiceStub(channel).PublishEvents(request, timeout=60, metadata=proofs)
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(120)
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def _await_port(log: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        match = re.search(r'"mesh_port": (\d+)', log.read_text())
        if match:
            return match[1]
        time.sleep(0.02)
    raise AssertionError(f"no port in {log.read_text()!r}")
