"""Local authorization lists: what is on them, and in which parts one becomes another. Pure."""

import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

# csms.common.v1.AuthorizationStatus
ACCEPTED = 1
MOST_VERSION = 2**31 - 1
# A message may have so many bytes beside its entries, and an entry beside its texts: names of fields, times, statuses.
_MESSAGE_BYTES = 200
_ENTRY_BYTES = 240
# Defaults for a station that does not report how many entries it accepts in one message, and in all.
USUAL_PART = 50
MOST_ENTRIES = 20_000


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """An id token on a list. `status`: csms.common.v1.AuthorizationStatus; `expire_us` None: never."""

    id_token: str
    type: str
    status: int
    expire_us: int | None
    group: str

    @property
    def key(self) -> str:
        """Tokens are the same without regard to case."""
        return self.id_token.casefold()

    @property
    def most_bytes(self) -> int:
        """Bytes that it may have in a message, in any OCPP version."""
        return _ENTRY_BYTES + len(f"{self.id_token}{self.type}{self.group}".encode())


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a station: entries in one message, and in all; bytes of one message, None where it names none."""

    part: int = USUAL_PART
    part_bytes: int | None = None
    total: int = MOST_ENTRIES


@dataclass(frozen=True, kw_only=True)
class Part:
    """One message: entries to add to the list and tokens to remove from it; a full one replaces the list."""

    full: bool
    put: Sequence[Entry] = ()
    removed: Sequence[Entry] = ()


def pack(entries: Iterable[Entry]) -> bytes:
    """Entries as they are stored, in the order of their keys."""
    return zlib.compress(msgspec.json.encode(sorted(entries, key=lambda entry: entry.key)), 1)


def unpack(stored: bytes) -> list[Entry]:
    """The entries that `pack` stored."""
    return msgspec.json.decode(zlib.decompress(stored), type=list[Entry]) if stored else []


def choose(wanted: Iterable[Entry], total: int) -> tuple[list[Entry], list[Entry]]:
    """The entries that go onto a list of at most `total`, and those that find no room: who may charge goes first."""
    ordered = sorted(wanted, key=lambda entry: (entry.status != ACCEPTED, entry.key))
    return sorted(ordered[:total], key=lambda entry: entry.key), ordered[total:]


def plan(chosen: Sequence[Entry], held: Mapping[str, Entry] | None, limits: Limits) -> list[Part]:
    """The messages after which a list holds the chosen entries; none where it does already.

    `held` are the present entries by key, None where they are not known. Removals go first, so that there is room. A
    token of another type than before is removed too: for OCPP 2.x it is another one.
    """
    if held is None:
        return _full(chosen, limits)
    types = {entry.key: entry.type for entry in chosen}
    removed = [entry for key, entry in sorted(held.items()) if types.get(key) != entry.type]
    changed = [entry for entry in chosen if held.get(entry.key) != entry]
    if len(removed) + len(changed) > max(len(chosen), 1):
        return _full(chosen, limits)
    return [
        *(Part(full=False, removed=some) for some in _cut(removed, limits)),
        *(Part(full=False, put=some) for some in _cut(changed, limits)),
    ]


def apply(part: Part, held: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries of a list after a part."""
    gone = {entry.key for entry in part.removed}
    kept = {} if part.full else {key: entry for key, entry in held.items() if key not in gone}
    return kept | {entry.key: entry for entry in part.put}


def next_version(version: int) -> int:
    """The version after one: it rises, and begins again where it can rise no more."""
    return version % MOST_VERSION + 1


def _full(chosen: Sequence[Entry], limits: Limits) -> list[Part]:
    first, *others = _cut(chosen, limits) or [[]]
    return [Part(full=True, put=first), *(Part(full=False, put=some) for some in others)]


def _cut(entries: Sequence[Entry], limits: Limits) -> list[Sequence[Entry]]:
    """The entries in lists that fit into a message each; one that is too large by itself is sent alone."""
    cut: list[list[Entry]] = []
    left, left_bytes = 0, 0
    most_bytes = sys.maxsize if limits.part_bytes is None else limits.part_bytes - _MESSAGE_BYTES
    for entry in entries:
        if left < 1 or left_bytes < entry.most_bytes:
            cut.append([])
            left, left_bytes = max(limits.part, 1), most_bytes
        cut[-1].append(entry)
        left, left_bytes = left - 1, left_bytes - entry.most_bytes
    return list(cut)
