"""The state of audited resources, made again from their audit entries alone. Pure."""

from collections.abc import Iterable
from typing import Any

from mesh.audit.entries import Change, Content

STATION = "station"
"""The type of a resource whose removal removes others: those that name it as their station."""

Key = tuple[str, str]
"""Type and name of a resource."""


class ReplayError(Exception):
    """An entry does not follow from those before it: one of them is missing, or was never written."""


def replay(contents: Iterable[Content]) -> dict[Key, dict[str, Any]]:
    """The audited fields of each resource that is there after all entries, in the order of their chain.

    The resources of a station go with it, as they do in the tables. Raises ReplayError where an entry changes a
    resource that is not there, or from another value than the present one.
    """
    state: dict[Key, dict[str, Any]] = {}
    stations: dict[Key, str] = {}
    for content in contents:
        key = (content.resource_type, content.resource)
        if content.change == Change.CREATE:
            if key in state:
                raise ReplayError(f"{key} is created, and is there already")
            state[key] = dict(content.after or {})
            stations[key] = content.station_id
        elif content.change == Change.UPDATE:
            _expect(state, key, content.before or {})
            state[key] |= content.after or {}
        elif content.change == Change.DELETE:
            _expect(state, key, content.before or {})
            del state[key]
            if content.resource_type == STATION:
                for other in [one for one in state if stations[one] == content.resource]:
                    del state[other]
    return state


def _expect(state: dict[Key, dict[str, Any]], key: Key, before: dict[str, Any]) -> None:
    if key not in state:
        raise ReplayError(f"{key} is changed, and was never created")
    for name, value in before.items():
        if state[key].get(name) != value:
            raise ReplayError(f"{name} of {key} changes from another value than it had")
