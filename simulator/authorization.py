"""Which id tags a station knows: the authorization cache and the local list (OCPP 1.6, sections 3.4.1 and 3.5.2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from simulator.configuration import Configuration

ACCEPTED = "Accepted"


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """The central system's last word on an id tag."""

    status: str
    expires: datetime | None
    parent: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the tag was accepted and that still counts."""
        return self.status == ACCEPTED and (self.expires is None or self.expires > now)


class AuthorizationCache:
    """The latest answer for each id tag; tags are compared without regard to case."""

    def __init__(self) -> None:
        self._remembered: dict[str, Remembered] = {}

    def remember(self, id_tag: str, status: str, expires: datetime | None, parent: str | None = None) -> None:
        """Keeps an answer of the central system."""
        self._remembered[id_tag.lower()] = Remembered(status=status, expires=expires, parent=parent)

    def find(self, id_tag: str) -> Remembered | None:
        """The latest answer, or None."""
        return self._remembered.get(id_tag.lower())

    def forget(self, id_tag: str) -> None:
        """Forgets the answer for a tag."""
        self._remembered.pop(id_tag.lower(), None)

    def clear(self) -> None:
        """Forgets every answer."""
        self._remembered.clear()


class ListResult(StrEnum):
    """Outcome of an update of the local list (1.6 UpdateStatus)."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    NOT_SUPPORTED = "NotSupported"
    VERSION_MISMATCH = "VersionMismatch"


@dataclass(frozen=True, kw_only=True)
class ListEntry:
    """One tag of an update; without `remembered` it is to be removed."""

    id_tag: str
    remembered: Remembered | None


class LocalList:
    """The tags that the central system has listed, with the version of the latest update; 0: there was none."""

    def __init__(self) -> None:
        self.version = 0
        self._listed: dict[str, Remembered] = {}

    def __len__(self) -> int:
        return len(self._listed)

    @property
    def shown_version(self) -> int:
        """The version as it is reported: 0 says that the list is empty (OCPP 1.6, 3.5.4)."""
        return self.version if self._listed else 0

    def find(self, id_tag: str) -> Remembered | None:
        """The entry of a tag, or None."""
        return self._listed.get(id_tag.lower())

    def replace(self, version: int, entries: Iterable[ListEntry], *, most: int) -> ListResult:
        """A full update: what was there is gone. It may not remove, nor name a tag twice, nor hold more than `most`."""
        given = list(entries)
        listed = {one.id_tag.lower(): one.remembered for one in given if one.remembered is not None}
        if version < 1 or len(listed) < len(given) or len(listed) > most:
            return ListResult.FAILED
        self.version, self._listed = version, listed
        return ListResult.ACCEPTED

    def update(self, version: int, entries: Iterable[ListEntry], *, most: int) -> ListResult:
        """A differential update: adds, changes and removes. Its version must be newer than the present one."""
        given = list(entries)
        if version <= self.version:
            return ListResult.VERSION_MISMATCH
        if len({one.id_tag.lower() for one in given}) < len(given):
            return ListResult.FAILED
        listed = dict(self._listed)
        for entry in given:
            if entry.remembered is None:
                listed.pop(entry.id_tag.lower(), None)
            else:
                listed[entry.id_tag.lower()] = entry.remembered
        if len(listed) > most:
            return ListResult.FAILED
        self.version, self._listed = version, listed
        return ListResult.ACCEPTED


class KnownTags:
    """A station's local list and cache of id tags, by which it decides without a question."""

    def __init__(self, *, configuration: Configuration) -> None:
        self.cache = AuthorizationCache()
        self.local_list = LocalList()
        self._configuration = configuration

    def may_start_unasked(self, id_tag: str, now: datetime, *, online: bool) -> bool | None:
        """Whether a start needs no question: True or False, or None where the central system is to be asked."""
        known = self.known(id_tag)
        accepted = known is not None and known.holds(now)
        if online:
            return True if accepted and self._configuration.switch("LocalPreAuthorize") else None
        if accepted and self._configuration.switch("LocalAuthorizeOffline"):
            return True
        return self._configuration.switch("AllowOfflineTxForUnknownId") and known is None

    def known(self, id_tag: str) -> Remembered | None:
        """The entry of a tag in the local list, or else in the cache, as far as they are switched on."""
        listed = self.local_list.find(id_tag) if self._configuration.switch("LocalAuthListEnabled") else None
        if listed is not None or not self._configuration.switch("AuthorizationCacheEnabled"):
            return listed
        return self.cache.find(id_tag)

    def remember(self, id_tag: str, answer: Remembered) -> None:
        """Caches what the central system said of a tag, unless the tag is listed (OCPP 1.6, 3.5.3)."""
        if self.local_list.find(id_tag) is None:
            self.cache.remember(id_tag, answer.status, answer.expires, answer.parent)

    def update_list(self, version: int, entries: Sequence[ListEntry], *, full: bool) -> ListResult:
        """Updates the local list."""
        if not self._configuration.switch("LocalAuthListEnabled"):
            return ListResult.NOT_SUPPORTED
        if len(entries) > self._configuration.number("SendLocalListMaxLength"):
            return ListResult.FAILED
        update = self.local_list.replace if full else self.local_list.update
        return update(version, entries, most=self._configuration.number("LocalAuthListMaxLength"))

    def knows(self, id_tag: str) -> bool:
        """Whether anything is known of a tag."""
        return self.known(id_tag) is not None

    def parent(self, id_tag: str) -> str | None:
        """The group of a tag, where it is known."""
        known = self.known(id_tag)
        return None if known is None else known.parent
