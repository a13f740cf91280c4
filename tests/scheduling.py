"""The order in which workers of pytest-xdist take the files of tests: longest first, and a mesh started by one worker.

A run is as long as its last worker. By itself xdist begins with the files that have the most tests, so that files with
few and long ones come last; and every worker starts each mesh and browser that several files share.
"""

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# Folders whose files share a mesh, and what takes longest beside them; the longest first.
FIRST = (
    "tests/dashboard",
    "tests/front_door",
    "tests/openapi",
    "tests/local_run",
    "tests/chaos",
    "tests/benchmarks",
)


def group_of(file: str) -> str:
    """The member of FIRST that a file is in; empty for the other files."""
    folders = {str(folder) for folder in PurePosixPath(file).parents}
    return next((first for first in FIRST if first in folders), "")


def choose(waiting: Sequence[str], own: str, others: Collection[str]) -> str:
    """The next file of a worker: of those that wait in order, the first of the best group.

    A worker stays in its `own` group. Then come the groups of no other worker, in the order of FIRST and all other
    files after them; the groups of the `others` come last, since each of their meshes would be started once more.
    """

    def preference(file: str) -> tuple[bool, bool, int]:
        group = group_of(file)
        order = FIRST.index(group) if group else len(FIRST)
        return not group or group != own, bool(group) and group in others, order

    return min(waiting, key=preference)


class LongestFirst(LoadFileScheduling):  # type: ignore[misc,unused-ignore]
    """The distribution `loadfile`: the tests of a file are one worker's, in their order."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        groups = {each: group_of(next(reversed(units), "")) for each, units in self.assigned_work.items()}
        own = groups.pop(node, "")
        self.workqueue.move_to_end(choose(list(self.workqueue), own, set(groups.values())), last=False)
        super()._assign_work_unit(node)
