"""Vendors' own messages as rows. Enums hold the contract's numbers."""

from dataclasses import dataclass

from station_svc.core.rows import Frame


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """A vendor's own message, and what the station is answered."""

    frame: Frame
    vendor_id: str
    message_id: str
    data: str
    status: int
