"""The entry of a driver on a local list that was never synced."""

import pytest

from mesh.contract.drivers import Driver
from station_svc.features.local_lists.driver_entries import about, without


@pytest.mark.parametrize("stored", ["", b""], ids=["the default on SQLite", "the default on PostgreSQL"])
def test_a_list_that_was_never_synced_has_no_entry_of_a_driver(stored: str | bytes) -> None:
    row = {
        "tenant_id": "default",
        "station_id": "CP1",
        "entries": stored,
        "entries_version": 0,
        "left_out": "[]",
        "error": None,
    }
    driver = Driver(tenant_id="default", id_tokens=("04AB12CD",))
    assert without(row, driver) is None
    assert about(row, driver)["entry"] is None
