"""Which id tags a station knows from earlier answers: the authorization cache (OCPP 1.6, section 3.4.1)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What the central system last said of an id tag."""

    status: str
    expires: datetime | None


class AuthorizationCache:
    """The latest answer for each id tag; tags are compared without regard to case."""

    def __init__(self) -> None:
        self._remembered: dict[str, Remembered] = {}

    def remember(self, id_tag: str, status: str, expires: datetime | None) -> None:
        """Keeps an answer of the central system."""
        self._remembered[id_tag.lower()] = Remembered(status=status, expires=expires)

    def accepts(self, id_tag: str, now: datetime) -> bool:
        """Whether the tag was accepted and that answer still holds."""
        found = self._remembered.get(id_tag.lower())
        if found is None or found.status != "Accepted":
            return False
        return found.expires is None or found.expires > now

    def knows(self, id_tag: str) -> bool:
        """Whether there is an answer at all."""
        return id_tag.lower() in self._remembered

    def clear(self) -> None:
        """Forgets every answer."""
        self._remembered.clear()
