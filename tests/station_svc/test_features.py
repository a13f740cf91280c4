"""Features register what they keep; what is not registered would be left behind."""

from collections import Counter

import pytest
import sqlalchemy as sa

from station_svc.api.command_servicer import SERVICE, make_servicer
from station_svc.catalogue import RETENTION, STORAGE
from station_svc.commands.commands import Commands
from station_svc.commands.sender import CommandSender
from station_svc.feature import as_it_is, merged
from station_svc.models import metadata
from tests.conftest import FakeClock

# Removed in ways of their own: the station itself, and what outlives it.
_APART = {"station", "removal", "station_placement"}
_FRAME = ["tenant_id", "station_id", "epoch", "ordinal"]


def _key(table: sa.Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def test_every_table_of_a_station_is_removed_with_it() -> None:
    """Each is registered once: a row per frame as history, any other as the station's present."""
    of_frames = {table.name for table in metadata.tables.values() if _key(table) == _FRAME}
    of_stations = {table.name for table in metadata.tables.values() if _key(table)[:2] == _FRAME[:2]}
    assert Counter(table.name for storage in STORAGE for table in storage.history) == Counter(of_frames)
    present = Counter(table.name for storage in STORAGE for table in storage.present)
    assert present == Counter(of_stations - of_frames - _APART)


def test_retentions_have_names_of_their_own() -> None:
    """One setting is about one kind of rows."""
    assert max(Counter(one.name for one in RETENTION).values()) == 1


def test_two_features_cannot_take_the_same_name() -> None:
    """Of a report, or of a kind of job: the service does not start."""
    with pytest.raises(ValueError, match="registered twice: a, b"):
        merged([{"a": 1, "b": 1, "c": 1}, {"b": 2, "a": 2}])


def test_every_command_has_to_be_prepared() -> None:
    sender = CommandSender(commands=Commands(database=None, gateways=None, clock=FakeClock()))  # type: ignore[arg-type]
    everything = dict.fromkeys(SERVICE.methods_by_name, as_it_is)
    make_servicer(sender=sender, registered=[everything])
    with pytest.raises(ValueError, match="no feature prepares ClearCache"):
        make_servicer(
            sender=sender, registered=[{name: one for name, one in everything.items() if name != "ClearCache"}]
        )
    with pytest.raises(ValueError, match="no RPC of CommandService: ClearAll"):
        make_servicer(sender=sender, registered=[everything, {"ClearAll": as_it_is}])
