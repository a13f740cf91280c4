"""Erasures of drivers that a test has, where no auth_svc runs to ask."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from mesh.contract.drivers import Driver
from mesh.database.erasure_progress import Progress
from mesh.driver_erasure import PendingErasure


@dataclass(kw_only=True)
class FixedErasures:
    """A source of one erasure, until it is finished. See mesh.driver_erasure.ErasureSource."""

    driver: Driver
    reports: list[tuple[Progress, bool]] = field(default_factory=list)

    async def pending(self) -> Sequence[PendingErasure]:
        """See ErasureSource."""
        is_finished = any(finished for _progress, finished in self.reports)
        return [] if is_finished else [PendingErasure(erasure_id="e1", driver=self.driver, is_due=True)]

    async def report(self, progress: Progress, *, finished: bool) -> None:
        """See ErasureSource."""
        self.reports.append((progress, finished))

    @property
    def last(self) -> tuple[int, int, int, bool]:
        """The latest report: rows removed, changed and waiting, and whether it was the last one."""
        progress, finished = self.reports[-1]
        return progress.removed_rows, progress.changed_rows, progress.waiting_rows, finished
