"""Reports about drivers as rows. Enums hold the contract's numbers."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class CustomerReportRow:
    """A request for what a station stores about a driver, or a report that came without one."""

    tenant_id: str
    station_id: str
    report_id: int
    is_reported: int = 1
    is_cleared: int = 0
    customer_identifier: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    id_token_type: str = ""
    hash_algorithm: int = 0
    issuer_name_hash: str = ""
    issuer_key_hash: str = ""
    serial_number: str = ""
    status: int = 0
    create_us: int


@dataclass(frozen=True, kw_only=True)
class PartRow:
    """The data of one part."""

    tenant_id: str
    station_id: str
    report_id: int
    part: int
    id_token: str = field(repr=False)
    data: str = field(repr=False)
    receive_us: int
