"""The data directory: made where it is missing, and used by one mesh at a time."""

import fcntl
import tempfile
from pathlib import Path
from typing import IO

from mesh.runtime.startup_errors import SettingError


class DataDirectory:
    """A directory that this run may write to, and that no other run uses meanwhile."""

    def __init__(self, path: Path) -> None:
        """Makes and locks it. Raises SettingError."""
        self.path = path
        self.logs = path / "logs"
        self.run = path / "run"
        self.keys = path / "keys"
        self.tls = path / "tls"  # made where it is needed
        try:
            for directory in (self.logs, self.run, self.keys):
                directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
            self._lock: IO[str] = (self.run / "lock").open("w")
        except OSError as error:
            raise SettingError(
                f"cannot write to the data directory {path}: {error.strerror}; choose another with CSMS_DATA_DIR=…"
            ) from error
        self._take()

    def release(self) -> None:
        """Lets another run have it."""
        self._lock.close()

    def _take(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise SettingError(
                f"another mesh is using the data directory {self.path}: stop it, or choose another with CSMS_DATA_DIR=…"
            ) from error
