"""Looks up the violations of a message in the table of known faults (`tolerances.py`), and corrects the message."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from gateway.ocpp.tolerances import QUIRKS
from gateway.ocpp.versions import OcppVersion
from gateway.ocpp.violations import ABSENT, Path, Violation


class Round(NamedTuple):
    """A payload after its violations were looked up in the table once; `changed` where something in it is new."""

    payload: Any
    quirks: frozenset[str]
    changed: bool


# Most violations without a tolerance that are examined.
MAX_FAULTS = 20


def forgive(
    version: OcppVersion, action: str, payload: Any, violations: Iterable[Violation]
) -> Round | Sequence[Violation]:
    """Corrects a message with these violations, in a copy; or returns those that no entry tolerates, twenty at most.

    A corrected value may violate another rule of its field (a number as text may be too long), so that the result has
    to be validated again where it `changed`.
    """
    known = [quirk for quirk in QUIRKS if quirk.covers(version, action)]
    met: set[str] = set()
    changes: dict[Path, Any] = {}
    faults: list[Violation] = []
    for violation in violations:
        quirk = next((quirk for quirk in known if quirk.forgives(violation)), None)
        if quirk is None:
            faults.append(violation)
            if len(faults) == MAX_FAULTS:
                break
        elif not faults:
            met.add(quirk.name)
            changes.update(quirk.mend(violation))
    return faults or Round(_with(payload, changes), frozenset(met), bool(changes))


def unforgiven(version: OcppVersion, action: str, violations: Iterable[Violation]) -> Sequence[Violation]:
    """The violations of a message that no entry tolerates, twenty at most."""
    known = [quirk for quirk in QUIRKS if quirk.covers(version, action)]
    faults = (violation for violation in violations if not any(quirk.forgives(violation) for quirk in known))
    return list(islice(faults, MAX_FAULTS))


def _with(payload: Any, changes: Mapping[Path, Any]) -> Any:
    if not changes:
        return payload
    mended = _copy(payload)
    # Deepest and last first, so that what is left out moves nothing that is still to be changed.
    for path in sorted(changes, key=_order, reverse=True):
        value, place = changes[path], mended
        for step in path[:-1]:
            place = place[step]
        if value is ABSENT:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    return mended


def _order(path: Path) -> tuple[int, list[tuple[int, str]]]:
    return len(path), [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
