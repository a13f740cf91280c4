"""Retention of jobs after their end, and those that name a driver."""

from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row
from mesh.driver_tables import REMOVE, WAIT, Decision, DriverTable
from station_svc.core.storage import Retention, Storage, aged
from station_svc.jobs.models import job


def _of_driver(row: Row, driver: Driver) -> Decision:
    if not any(row[name] is not None and driver.mentions_data(bytes(row[name])) for name in ("payload", "error")):
        return None
    return REMOVE if row["finish_us"] is not None else WAIT


STORAGE = Storage(
    retention=[Retention(name="JOB", days=30, removals=[aged(job.c.finish_us)])],
    drivers=[DriverTable(table=job, decide=_of_driver)],
)
