"""The sessions of this gateway process, one per station: the newest connection wins.

See docs/DESIGN.md, "Fenced ownership".
"""

from collections.abc import Iterator

from gateway.connection.session import Session, StationKey


class Registry:
    """Finds the session of a station, by its tenant and its id."""

    def __init__(self) -> None:
        self._sessions: dict[StationKey, Session] = {}

    def add(self, session: Session) -> Session | None:
        """Puts a session in its station's place.

        Returns the one that must be closed: the older of the two, which may be `session` itself where two handshakes of
        a station overtook each other.
        """
        connection = session.connection
        present = self._sessions.get(connection.station)
        if present is not None and present.connection.epoch > connection.epoch:
            return session
        self._sessions[connection.station] = session
        return present

    def remove(self, session: Session) -> None:
        """Forgets a session that is closed; one that was replaced changes nothing."""
        if self._sessions.get(session.connection.station) is session:
            del self._sessions[session.connection.station]

    def find(self, station: StationKey, epoch: int) -> Session | None:
        """The session of a station, if it is that connection."""
        session = self._sessions.get(station)
        return session if session is not None and session.connection.epoch == epoch else None

    def has(self, station: StationKey, epoch: int) -> bool:
        """Whether that connection has its session here."""
        return self.find(station, epoch) is not None

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    def __len__(self) -> int:
        return len(self._sessions)
