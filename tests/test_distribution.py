"""The wheel that `pip` makes of this tree: its contents, and that it works where there is no tree."""

import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]
RENAMED = {
    "gen/csms": "csms",
    "proto/csms": "csms/proto/csms",
    "envoy": "deploy/envoy",
    "dashboard/pages": "deploy/pages",
}
# The virtual environment of the tree has the tree on its path; an installed distribution has not.
_WITHOUT_TREE = "import sys; sys.path[:] = [p for p in sys.path if p not in (sys.argv[1], sys.argv[1] + '/gen')]\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built with the locked build back end that is installed beside the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, ROOT], check=True)  # noqa: S603
    (path,) = folder.glob("ocpp_mesh-*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def site(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents: `site-packages`, as far as it is ours."""
    folder = tmp_path_factory.mktemp("site")
    wheel.extractall(folder)
    return folder


def _run(site: Path, code: str, *arguments: str | Path) -> str:
    """Runs `code` where only the wheel's contents and the dependencies can be imported; returns its output."""
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", _WITHOUT_TREE + code, str(ROOT), *map(str, arguments)],
        cwd=site.parent,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def _expected() -> set[str]:
    """Every file of the packages, as it is named in the wheel; the templates of the front door, and its pages."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607
    names = set()
    for name in tracked.splitlines():
        top = next(
            (
                package
                for package in (*PACKAGES, "proto/csms", "envoy", "dashboard/pages")
                if name.startswith(f"{package}/")
            ),
            None,
        )
        if top is not None and (ROOT / name).exists():
            names.add(RENAMED.get(top, top) + name.removeprefix(top))
    return names - {"deploy/Dockerfile", "deploy/source_roots.py"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the list of tracked files needs git")
def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    names = {name for name in wheel.namelist() if not name.startswith("ocpp_mesh-")}
    assert _expected() - names == set()
    assert {name.partition("/")[0] for name in names} == {Path(package).name for package in PACKAGES}


def test_each_console_script_resolves(site: Path) -> None:
    """The scripts are those of pyproject.toml, and each names a function of an installed module."""
    code = """
from importlib.metadata import distributions
(ours,) = distributions(name="ocpp-mesh", path=[sys.argv[2]])
for entry in ours.entry_points.select(group="console_scripts"):
    assert callable(entry.load()), entry
    assert sys.modules[entry.module].__file__.startswith(sys.argv[2]), entry
    print(entry.name)
"""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert sorted(_run(site, code, site).split()) == sorted(scripts)


@pytest.mark.parametrize("name", ["auth", "station", "transaction", "notification"])
def test_an_installed_service_finds_its_migrations(site: Path, tmp_path: Path, name: str) -> None:
    code = f"""
from {name}_svc.__main__ import main
import os
os.environ["CSMS_DATA_DIR"] = sys.argv[2]
sys.argv[1:] = ["migrate"]
main()
"""
    _run(site, code, tmp_path)
    assert (tmp_path / f"{name}.db").stat().st_size > 0


def test_an_installed_front_door_finds_contract_templates_and_pages(site: Path, tmp_path: Path) -> None:
    code = """
from auth_svc import guessing
from deploy.envoy_config import main
assert guessing.LIST.is_file()
sys.exit(main([sys.argv[2]]))
"""
    settings = {"CSMS_GATEWAY_ADDRESS": "127.0.0.1:1", "CSMS_AUTH_OPERATOR_ADDRESS": "127.0.0.1:2"}
    _run(site, f"import os; os.environ.update({settings!r})\n" + code, tmp_path)
    assert sorted(_names(tmp_path)) == ["csms.binpb", "envoy.yaml", "pages"]
    assert (tmp_path / "pages" / "index.html.gz").is_file()


def _names(folder: Path) -> Sequence[str]:
    return [path.name for path in folder.iterdir()]
