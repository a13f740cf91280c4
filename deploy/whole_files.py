"""Files that are written as a whole."""

import os
import secrets
from pathlib import Path

PRIVATE = 0o600


def write_whole(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Puts a file in the place of a former one at once: nobody reads half of it, or reads it before it has its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        new.chmod(mode)  # whatever the umask is
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
