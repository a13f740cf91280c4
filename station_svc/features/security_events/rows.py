"""Security events as rows. Enums hold the contract's numbers."""

from dataclasses import dataclass

from station_svc.core.rows import Frame


@dataclass(frozen=True, kw_only=True)
class SecurityEventRow:
    """A security event as reported. `event_us` by the station's clock; None where it gave no readable time."""

    frame: Frame
    type: str
    tech_info: str
    criticality: int
    event_us: int | None
