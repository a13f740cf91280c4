"""State from audit entries alone."""

from collections.abc import Mapping
from typing import Any

import pytest

from mesh.audit.entries import Content, change_of
from mesh.audit.replay import ReplayError, replay
from mesh.contract.services import OPERATOR_SERVICES
from tests.replayed import changing_methods

ADA: dict[str, Any] = {"role": "VIEWER", "tags": ["a"]}


def _change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, **names: str) -> Content:
    given: dict[str, Any] = {"resource_type": "user", "resource": "ada", **names}
    content = change_of(before=before, after=after, **given)
    assert content is not None
    return content


def test_changes_are_applied_in_their_order() -> None:
    entries = [_change(None, ADA), _change(ADA, ADA | {"role": "OPERATOR"})]
    assert replay(entries) == {("user", "ada"): {"role": "OPERATOR", "tags": ["a"]}}
    entries.append(_change(ADA | {"role": "OPERATOR"}, None))
    assert replay(entries) == {}


def test_an_update_has_only_the_fields_that_changed() -> None:
    update = change_of(resource_type="user", resource="ada", before=ADA, after=ADA | {"role": "OPERATOR"})
    assert update is not None
    assert (update.before, update.after) == ({"role": "VIEWER"}, {"role": "OPERATOR"})
    assert change_of(resource_type="user", resource="ada", before=ADA, after=dict(ADA)) is None


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_entry_is_noticed(missing: int) -> None:
    changed = ADA | {"role": "OPERATOR"}
    entries = [_change(None, ADA), _change(ADA, changed), _change(changed, ADA | {"role": "ADMINISTRATOR"})]
    del entries[missing]
    with pytest.raises(ReplayError):
        replay(entries)


def test_resources_of_a_station_go_with_it() -> None:
    entries = [
        _change(None, {"name": "x"}, resource_type="station", resource="CP1", station_id="CP1"),
        _change(None, {"state": 1}, resource_type="reservation", resource="CP1/1", station_id="CP1"),
        _change(None, {"state": 1}, resource_type="reservation", resource="CP2/1", station_id="CP2"),
        _change({"name": "x"}, None, resource_type="station", resource="CP1", station_id="CP1"),
    ]
    assert replay(entries) == {("reservation", "CP2/1"): {"state": 1}}


def test_each_service_with_changes_replays_them() -> None:
    """See test_audit_replay.py of each, and tests/scopes/test_condition_audit.py; another service needs one, too."""
    changing = {service for service in OPERATOR_SERVICES if changing_methods(service)}
    assert changing == {"auth", "station", "transaction", "notification"}
