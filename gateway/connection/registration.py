"""The registration of one station: which messages it may send (OCPP 2.0.1, B01 to B03). Pure, one per connection."""

from csms.station.v1 import station_ingest_service_pb2, station_pb2

from gateway.connection.boot_watch import BootWatch


class Registration:
    """The registration status and the heartbeat interval, in seconds, as the last answer to a boot states them."""

    def __init__(self, *, accepted: bool, heartbeat_interval_s: int) -> None:
        self.accepted = accepted
        self.heartbeat_interval_s = heartbeat_interval_s
        self.boot_watch = BootWatch()
        self._triggered_actions: set[str] = set()

    def allow_triggered(self, actions: frozenset[str]) -> None:
        """Allows messages that a trigger requested from a station that is not accepted yet (OCPP 2.0.1, B02.FR.06)."""
        self._triggered_actions |= actions

    def may_send(self, action: str) -> bool:
        """Whether the station may send such a message now."""
        return self.accepted or action == "BootNotification" or action in self._triggered_actions

    def on_boot_answered(self, boot: station_ingest_service_pb2.BootResult) -> None:
        """A boot has its answer."""
        self.accepted = boot.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
        self.heartbeat_interval_s = boot.interval_s
        self._triggered_actions.clear()
        self.boot_watch.answer(boot.registration_status)
