"""Adds the repository and `gen/` to the import path of the virtual environment it is run with.

An editable install would do the same with a build back end: `.venv/bin/python -m station_svc` works from any folder.
"""

import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Writes the `.pth` file; a second run changes nothing."""
    site = Path(sysconfig.get_paths()["purelib"])
    (site / "ocpp_mesh.pth").write_text(f"{ROOT}\n{ROOT / 'gen'}\n")


if __name__ == "__main__":
    main()
