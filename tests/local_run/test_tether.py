"""Envoy must not outlive the supervisor: its tether."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import tether
from tests.local_run.processes import runs, wait_until

TETHER = str(Path(tether.__file__))
SLEEPER = [sys.executable, "-S", "-c", "import os,sys,time; print(os.getpid(), flush=True); time.sleep(600)"]


def _start(*options: str) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-I", "-S", TETHER, *options, *SLEEPER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _end(process: subprocess.Popen[str]) -> int:
    status = process.wait(60)
    assert process.stdout is not None
    process.stdout.close()
    if process.stdin is not None and not process.stdin.closed:
        process.stdin.close()
    return status


def test_the_watched_command_ends_with_the_pipe() -> None:
    """The way that works everywhere."""
    process, pid = _start("--watch")
    assert process.pid != pid
    assert process.stdin is not None
    process.stdin.close()
    _end(process)
    assert wait_until(lambda: not runs(pid))


def test_the_watched_command_is_told_to_stop() -> None:
    """SIGTERM goes through, and its status comes back."""
    process, pid = _start("--watch")
    process.send_signal(signal.SIGTERM)
    assert _end(process) == 128 + signal.SIGTERM
    assert not runs(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has a way of its own")
def test_on_linux_the_command_takes_the_tethers_place() -> None:
    """No process in between."""
    process, pid = _start()
    assert process.pid == pid
    process.terminate()
    assert _end(process) == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has a way of its own")
def test_on_linux_the_command_ends_with_its_parent(tmp_path: Path) -> None:
    """Even where the parent is killed, and the pipe stays open."""
    program = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", {TETHER!r}, *{SLEEPER!r}])
time.sleep(600)
"""
    out = (tmp_path / "out").open("w+")
    parent = subprocess.Popen([sys.executable, "-S", "-c", program], stdout=out)  # noqa: S603 - our own
    try:
        assert wait_until(lambda: (tmp_path / "out").read_text().endswith("\n"))
        pid = int((tmp_path / "out").read_text())
        assert runs(pid)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(60)
        assert wait_until(lambda: not runs(pid))
    finally:
        parent.kill()
        out.close()
