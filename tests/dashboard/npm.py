"""npm for the dashboard: `python -m tests.dashboard.npm run build`, with the Node.js that the lock of Python names."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.conformance.node import npm

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"


def run(arguments: Sequence[str], *, capture_output: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs npm in the dashboard's folder. Raises FileNotFoundError where there is no Node.js."""
    command = npm()
    if command is None:
        raise FileNotFoundError(
            "no Node.js, neither from the wheel nor on the machine: `make install` installs the wheel"
        )
    # The tools that npm starts are scripts that look for Node.js on the path.
    path = os.pathsep.join((str(Path(command[0]).parent), os.environ.get("PATH", "")))
    return subprocess.run(  # noqa: S603 - npm, from the wheel
        [*command, *arguments],
        cwd=DASHBOARD,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        check=False,
        capture_output=capture_output,
        text=True,
    )


def main() -> int:
    """Runs npm with the arguments of the command line; returns its exit status."""
    try:
        return run(sys.argv[1:]).returncode
    except FileNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
