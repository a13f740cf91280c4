"""Says to other programs where this mesh is: `run/mesh.json` in the data directory, for as long as it runs."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from deploy.local.keeper import Keeper
from deploy.local.plan import Plan


class StatusFile:
    """The addresses of a mesh, and the process ids and ports of its parts."""

    def __init__(self, path: Path, plan: Plan) -> None:
        self._path = path
        self._plan = plan

    def write(self, keepers: Sequence[Keeper]) -> None:
        """Writes the file again: process ids change when parts are restarted."""
        status = {
            "pid": os.getpid(),
            "httpUrl": self._plan.http_url,
            "ocppUrl": self._plan.ocpp_urls[0],
            "gatewayUrl": self._plan.ocpp_urls[1],
            "stationsUrl": self._plan.stations_url,
            "tlsUrls": self._plan.tls_urls,
            "root": str(self._plan.root) if self._plan.root else None,
            "parts": {keeper.part.name: {"pid": keeper.pid} for keeper in keepers},
            "ports": self._plan.ports,
        }
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(status, indent=2) + "\n")
        draft.replace(self._path)

    def remove(self) -> None:
        """Removes it."""
        self._path.unlink(missing_ok=True)
