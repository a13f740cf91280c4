"""The OCPP versions that stations speak, behind one interface. Another one is a package like `v16`, and a line here."""

from collections.abc import Mapping
from typing import Any, Protocol

from station_kit.messages import Message, StartAnswer, TransactionEvent
from station_kit.v16.version import V16
from station_kit.v201.version import V201


class OcppVersion(Protocol):
    """One version of OCPP, as a station with one connector speaks it. The same arguments make the same message."""

    @property
    def subprotocol(self) -> str:
        """The WebSocket sub-protocol."""

    @property
    def register_step_mwh(self) -> int:
        """The unit in which the first and the last register of a transaction are reported."""

    def boot(self, *, vendor: str, model: str) -> Message:
        """BootNotification."""

    def available(self, time_us: int) -> Message:
        """StatusNotification: the connector is available since `time_us`."""

    def authorize(self, id_token: str) -> Message:
        """Authorize."""

    def sign_certificate(self, csr: str) -> Message:
        """SignCertificate: `csr`, PEM, is for the certificate by which the station proves itself."""

    def own_transaction_id(self, proposed: str) -> str | None:
        """The transaction id where stations of this version choose it; None where it comes with the start's answer."""

    def transaction_event(self, event: TransactionEvent, transaction_id: str | None) -> Message:
        """The message that reports an event."""

    def read_start(self, answer: Mapping[str, Any]) -> StartAnswer:
        """The CALLRESULT to a Started event. Raises KeyError where the CSMS left out what it must state."""


VERSIONS: Mapping[str, OcppVersion] = {version.subprotocol: version for version in (V16(), V201())}
"""By sub-protocol."""
