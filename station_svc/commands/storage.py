"""Retention of commands, and those that name a driver."""

from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row
from mesh.driver_tables import REMOVE, WAIT, Decision, DriverTable
from station_svc.commands.models import command
from station_svc.core.storage import Retention, Storage, aged


def _of_driver(row: Row, driver: Driver) -> Decision:
    """A command whose outcome names the driver. Its request is not kept."""
    if not any(row[name] is not None and driver.mentions_data(bytes(row[name])) for name in ("answer", "error")):
        return None
    return REMOVE if row["finish_us"] is not None else WAIT


STORAGE = Storage(
    retention=[Retention(name="COMMAND", days=30, removals=[aged(command.c.create_us)])],
    drivers=[DriverTable(table=command, decide=_of_driver)],
)
