"""Sessions of a station of the fleet, and the messages about them, which are kept until they are acknowledged."""

from dataclasses import dataclass

from chaos.ledger import Entry, Kind
from station_kit.messages import EventType, TransactionEvent

_KINDS = {EventType.STARTED: Kind.START, EventType.UPDATED: Kind.METER, EventType.ENDED: Kind.STOP}


@dataclass(kw_only=True)
class Session:
    """One use of the connector. Where stations do not name it themselves, its name comes with the start's answer."""

    id_token: str
    transaction_id: str | None


@dataclass(frozen=True, kw_only=True)
class SessionMessage:
    """One transaction message, kept until it is acknowledged."""

    session: Session
    event: TransactionEvent

    @property
    def kind(self) -> Kind:
        """The kind of its entry in the ledger."""
        return _KINDS[self.event.event_type]

    def entry(self, station_id: str) -> Entry:
        """The meaning of its acknowledgement."""
        assert self.session.transaction_id is not None  # noqa: S101 - the start is acknowledged first
        return Entry(
            station_id=station_id,
            transaction_id=self.session.transaction_id,
            kind=self.kind,
            time_us=self.event.time_us,
            register_mwh=self.event.register_mwh,
        )
