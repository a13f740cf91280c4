"""The pieces of the local run that need no process: ports, data directory, logs, settings."""

import json
import os
import random
import socket
from contextlib import closing
from pathlib import Path

import pytest

from deploy.local.data_directory import DataDirectory
from deploy.local.log_echo import LastWords, LogEcho
from deploy.local.log_file import LogFile
from deploy.local.ports import Reservation
from deploy.local.settings import RunSettings
from mesh.runtime.startup_errors import SettingError
from tests.ports import held_port

TRACEBACK = """Traceback (most recent call last):
  File "base.py", line 1, in execute
    cursor.execute(statement)
sqlite3.OperationalError: no such table: x

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "__main__.py", line 3, in <module>
    main()
sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: x
[SQL: SELECT 1 FROM x]
(Background on this error at: https://sqlalche.me/e/20/e3q8)
"""


def test_a_taken_port_is_told_with_its_setting() -> None:
    """In one line that says what to do."""
    with held_port() as port:
        with (
            closing(socket.create_server(("127.0.0.1", port))),
            pytest.raises(SettingError, match=f"port {port} is taken: .* CSMS_HTTP_PORT=") as failure,
        ):
            Reservation("127.0.0.1", port, setting="CSMS_HTTP_PORT")
        assert "\n" not in str(failure.value)
        held = Reservation("127.0.0.1", port, setting="CSMS_HTTP_PORT")
        assert held.port == port
        held.release()


def test_an_address_of_another_machine() -> None:
    """192.0.2.1 is for documentation: nobody has it."""
    with pytest.raises(SettingError, match=r"192\.0\.2\.1 is not an address of this machine"):
        Reservation("192.0.2.1", 8080)


def test_a_reserved_port_is_nobody_elses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two meshes that start together do not choose the same; its part gets it all the same."""
    held = Reservation()
    monkeypatch.setattr(random, "sample", lambda _range, _count: [held.port])
    with pytest.raises(SettingError, match="no free port"):
        Reservation()
    held.release()
    held.release()
    with closing(socket.create_server(("127.0.0.1", held.port))), pytest.raises(SettingError, match="no free port"):
        Reservation()


def test_a_port_that_was_asked_for_is_held_until_its_part_starts() -> None:
    """A second mesh is refused at once."""
    port = Reservation().port
    held = Reservation("127.0.0.1", port)
    with pytest.raises(SettingError, match="is taken"):
        Reservation("127.0.0.1", port)
    held.release()
    Reservation("127.0.0.1", port).release()


def test_two_meshes_cannot_share_a_data_directory(tmp_path: Path) -> None:
    """The second is refused; when the first has ended it may."""
    first = DataDirectory(tmp_path / "data")
    with pytest.raises(SettingError, match="another mesh is using the data directory"):
        DataDirectory(tmp_path / "data")
    first.release()
    DataDirectory(tmp_path / "data").release()


def test_a_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingError, match=r"cannot write to the data directory .*: Not a directory; .*CSMS_DATA_DIR"):
        DataDirectory(tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_directory_without_permission(tmp_path: Path) -> None:
    """It is there, and may only be read."""
    (tmp_path / "data").mkdir(mode=0o500)
    with pytest.raises(SettingError, match=r"cannot write to the data directory .*: Permission denied"):
        DataDirectory(tmp_path / "data")


def test_a_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    """Two files of the limit's size at most, the newest line in the first."""
    log = LogFile(tmp_path / "x.log", limit_bytes=1000)
    for number in range(1000):
        log.write(f"line {number}".encode())
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.log", "x.log.1"]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())
    assert (tmp_path / "x.log").read_text().endswith("line 999\n")


def test_errors_are_shown_once_in_a_while(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings and what is not a log line stay in the log."""
    now = [0.0]
    echo = LogEcho("auth_svc", tmp_path / "a.log", clock_s=lambda: now[0])
    error = json.dumps({"level": "error", "event": "call failed", "exception": "Traceback\n  x\nKeyError: 'a'"})
    for line in (error, error, json.dumps({"level": "warning", "event": "odd"}), 'an "error" in plain text'):
        echo.take(line.encode())
    now[0] = 60.0
    echo.take(error.encode())
    echo.silenced = True
    now[0] = 120.0
    echo.take(error.encode())
    shown = f"auth_svc reports: call failed: KeyError: 'a' (see {tmp_path / 'a.log'})"
    assert capsys.readouterr().out.splitlines() == [shown, shown]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (['{"event": "no database", "error": "refused", "level": "error"}'], "no database: refused"),
        (["auth_svc: a setting is wrong", "", "  "], "auth_svc: a setting is wrong"),
        (["first", "second"], "second"),
        ([], ""),
        (TRACEBACK.splitlines(), "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: x"),
        ([*TRACEBACK.splitlines(), '{"event": "ended"}'], "ended"),
        (
            [json.dumps({"event": "call failed", "exception": TRACEBACK})],
            "call failed: sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: x",
        ),
    ],
)
def test_last_words(lines: list[str], told: str) -> None:
    """Of a JSON line its event and error, of a traceback what was raised, of any other line the line."""
    words = LastWords()
    for line in lines:
        words.take(line.encode())
    assert words.text == told


def test_settings_of_a_run_that_nobody_configured() -> None:
    """The defaults of docs/CONFIGURATION.md."""
    settings = RunSettings.read({})
    assert (settings.host, settings.http_port, settings.ocpp_port) == ("127.0.0.1", 8080, 9000)
    assert settings.data_dir == Path.cwd() / "data"
    assert (settings.onboarding, settings.demo, settings.reflection) == ("accept", True, True)
    assert settings.cors_origins == ()


def test_a_mesh_that_others_can_reach_lets_no_stranger_in() -> None:
    """`accept` is the default on loopback only, and refused elsewhere."""
    reachable = {"CSMS_HOST": "0.0.0.0", "CSMS_TLS_ENDS_IN_FRONT": "1"}
    assert RunSettings.read(reachable).onboarding == "reject"
    assert RunSettings.read({**reachable, "CSMS_ONBOARDING": "pending"}).onboarding == "pending"
    with pytest.raises(SettingError, match="CSMS_ONBOARDING=accept lets anyone in"):
        RunSettings.read({**reachable, "CSMS_ONBOARDING": "accept"})
    with pytest.raises(SettingError, match="CSMS_UNKNOWN_TOKENS=accept lets anyone charge"):
        RunSettings.read({**reachable, "CSMS_UNKNOWN_TOKENS": "accept"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CSMS_HTTP_PORT", "http"),
        ("CSMS_HTTP_PORT", "65536"),
        ("CSMS_HOST", "example.org"),
        ("CSMS_CORS_ORIGINS", "*"),
        ("CSMS_CORS_ORIGINS", "http://localhost:5173/path"),
        ("CSMS_DEMO", "yes"),
        ("CSMS_DATABASE_URL", "sqlite:////tmp/all.db"),
    ],
)
def test_wrong_settings_are_named(name: str, value: str) -> None:
    """With the setting's name."""
    with pytest.raises(SettingError, match=name):
        RunSettings.read({name: value})
