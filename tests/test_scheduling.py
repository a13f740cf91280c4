"""The order in which workers take files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scheduling import FIRST, choose, group_of

ROOT = Path(__file__).resolve().parents[1]
BROWSER, MORE_BROWSER = "tests/dashboard/test_a.py", "tests/dashboard/test_b.py"
DOOR, REST = "tests/front_door/test_a.py", "tests/gateway/v16/test_a.py"


@pytest.mark.parametrize("folder", FIRST)
def test_the_folders_that_come_first_are_there(folder: str) -> None:
    assert list((ROOT / folder).glob("test_*.py"))
    assert group_of(f"{folder}/test_a.py") == folder


@pytest.mark.parametrize(
    ("waiting", "own", "others", "chosen"),
    [
        ([REST, DOOR, BROWSER], "", set(), BROWSER),  # the longest folder first
        ([REST, DOOR, BROWSER], "", {"tests/dashboard"}, DOOR),  # another worker has started that mesh
        ([REST, DOOR, MORE_BROWSER, BROWSER], "tests/dashboard", {"tests/front_door"}, MORE_BROWSER),  # its own mesh
        ([REST, MORE_BROWSER], "tests/front_door", {"tests/dashboard"}, REST),
        ([MORE_BROWSER], "tests/front_door", {"tests/dashboard"}, MORE_BROWSER),  # nothing else is left
        ([REST, DOOR], "", {""}, DOOR),
    ],
)
def test_the_next_file_of_a_worker(waiting: list[str], own: str, others: set[str], chosen: str) -> None:
    assert choose(waiting, own, others) == chosen


def test_two_workers_run_all_tests_in_that_order(pytester_folder: Path) -> None:
    """Real workers, on a tree of files with a folder that comes first; each test runs once."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile", "-v", "tests"]
    # Options of the outer run, such as --ignore, mean its tree and not this one.
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    run = subprocess.run(command, cwd=pytester_folder, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    assert run.returncode == 0, run.stdout + run.stderr
    passed = [line.split()[-1] for line in run.stdout.splitlines() if " PASSED " in line]
    assert len(passed) == len(set(passed)) == 6
    workers = {line.split()[0] for line in run.stdout.splitlines() if "PASSED" in line and "dashboard" in line}
    assert len(workers) == 1


@pytest.fixture
def pytester_folder(tmp_path: Path) -> Path:
    """A tree with tests of its own, whose conftest has the same scheduler."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    for file in ("dashboard/test_a.py", "dashboard/test_b.py", "test_many.py"):
        path = tmp_path / "tests" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"def test_{number}():\n    pass\n\n\n" for number in range(2)))
    hook = "def pytest_xdist_make_scheduler(config, log):\n    return LongestFirst(config, log)\n"
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.scheduling import LongestFirst\n{hook}"
    )
    return tmp_path
