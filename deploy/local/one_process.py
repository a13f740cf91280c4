"""Several parts of a run as one process (deploy/all_in_one.py)."""

import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import probes
from deploy.local.keeper import Part

NAME = "all_in_one"


def in_one_process(parts: Sequence[Part], *, keys: Path) -> Part:
    """The gateway and all services as one part: it is ready once each of them is. `keys` is the folder of their keys.

    Of settings that differ from part to part there are only those of keys.
    """

    def release() -> None:
        for part in parts:
            part.before_start()

    return Part(
        name=NAME,
        command=[sys.executable, "-m", "deploy.all_in_one"],
        env={name: value for part in parts for name, value in part.env.items()} | {"CSMS_MESH_KEYS": str(keys)},
        ready=probes.all_of(*(part.ready for part in parts if part.ready is not None)),
        grace_s=max(part.grace_s for part in parts),
        before_start=release,
        on_output=lambda line: any(part.on_output(line) for part in parts),
    )
