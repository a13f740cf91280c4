"""The known vendors of vendor-specific messages (OCPP DataTransfer)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mesh.runtime.startup_errors import SettingError

# csms.station.v1.DataTransferStatus
ACCEPTED = 1
UNKNOWN_MESSAGE_ID = 3
UNKNOWN_VENDOR_ID = 4


@dataclass(frozen=True, kw_only=True)
class Vendors:
    """The registered vendors, each with its message ids; no ids means any."""

    known: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Vendors":
        """Reads `vendor` (any message) and `vendor/message`, separated by commas. Raises SettingError."""
        known: dict[str, frozenset[str]] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            vendor, slash, message = entry.partition("/")
            if not vendor or (slash and not message):
                raise SettingError(f"{entry!r} is neither a vendor nor vendor/message")
            before = known.get(vendor)
            anything = not slash or before == frozenset()
            known[vendor] = frozenset() if anything else (before or frozenset()) | {message}
        return cls(known=known)

    def judge(self, vendor_id: str, message_id: str) -> int:
        """The status that a station is answered, as csms.station.v1.DataTransferStatus."""
        messages = self.known.get(vendor_id)
        if messages is None:
            return UNKNOWN_VENDOR_ID
        return ACCEPTED if not messages or message_id in messages else UNKNOWN_MESSAGE_ID
