"""Reports of stations that several parts follow, as rows. Enums hold the contract's numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

from station_svc.core.rows import Frame


@dataclass(frozen=True, kw_only=True)
class Boot:
    """A boot. `identity` has the columns of that name in `station`."""

    frame: Frame
    reason: int
    identity: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class VersionChange:
    """A station booted over another OCPP version than before, by the labels of both."""

    tenant_id: str
    station_id: str
    epoch: int
    receive_us: int
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Status:
    """A connector's status as reported. `position` counts the statuses of one frame, from 0.

    The history of statuses has the first one of a frame; event reports have all that came by NotifyEvent.
    """

    frame: Frame
    position: int = 0
    evse_id: int
    connector_id: int
    status: int
    reported_status: str
    error_code: str
    info: str
    vendor_id: str
    vendor_error_code: str
    status_us: int | None
