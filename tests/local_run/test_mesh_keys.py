"""The program that makes the keys of a mesh."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.mesh_keys import main
from mesh.identity.key_files import PARTS
from mesh.runtime.process import EX_CONFIG


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    former = os.umask(request.param)
    yield
    os.umask(former)


def _key_ids(folder: Path, part: str) -> list[str]:
    return [key["kid"] for key in json.loads((folder / "public" / f"{part}.json").read_text())["keys"]]


@pytest.mark.usefixtures("_umask")
def test_private_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    assert main([str(tmp_path / "keys")]) == 0
    files = [path for path in (tmp_path / "keys").rglob("*") if path.is_file()]
    modes = {str(path.relative_to(tmp_path / "keys")): path.stat().st_mode & 0o777 for path in files}
    assert modes == {
        "front-door/secret": 0o600,
        "private/auth/encryption.key": 0o600,
        **{f"private/{part}/key.pem": 0o600 for part in PARTS},
        **{f"public/{part}.json": 0o644 for part in PARTS},
    }
    for part in PARTS:
        assert "PRIVATE" in (tmp_path / "keys" / "private" / part / "key.pem").read_text()
        assert '"d"' not in (tmp_path / "keys" / "public" / f"{part}.json").read_text()


def test_keys_that_are_there_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert "station" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main([str(tmp_path)]) == 0
    assert "nothing, all is there" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_key_is_rotated_and_the_former_one_retired(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    [first], others = _key_ids(tmp_path, "auth"), _key_ids(tmp_path, "station")
    assert main([str(tmp_path), "--rotate", "auth"]) == 0
    second, former = _key_ids(tmp_path, "auth")
    assert (former, second != first) == (first, True)
    assert main([str(tmp_path), "--rotate", "auth"]) == 0
    third, former = _key_ids(tmp_path, "auth")
    assert former == second  # the first is not kept for ever
    assert main([str(tmp_path), "--retire", "auth"]) == 0
    assert _key_ids(tmp_path, "auth") == [third]
    assert _key_ids(tmp_path, "station") == others


def test_a_folder_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "file")]) == EX_CONFIG
    assert main([str(tmp_path / "empty"), "--retire", "auth"]) == EX_CONFIG
    assert all(line.startswith("mesh_keys: ") for line in capsys.readouterr().err.splitlines())
