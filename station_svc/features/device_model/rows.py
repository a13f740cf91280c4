"""Reports of variables and network profiles as rows. Enums hold the contract's numbers."""

from dataclasses import dataclass, replace

from mesh.runtime.times import SECOND_US
from station_svc.core.rows import Frame

# csms.station.v1.VariableReportState
REQUESTED = 1
RECEIVING = 2
COMPLETE = 3
INCOMPLETE = 4
REFUSED = 5

# csms.station.v1.DeviceModelStatus
STATUS_ACCEPTED = 1
STATUS_REJECTED = 2

# Time without a part after which a report counts as incomplete.
PATIENCE_US = 300 * SECOND_US


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The parts of a report that have arrived. `received` counts each number once, `rows` each frame."""

    received: int
    rows: int
    last_part: int | None
    attribute_count: int
    skipped_count: int


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """A report. `last_part` is None until its last part has arrived."""

    tenant_id: str
    station_id: str
    variable_report_id: int
    report_base: int = 0
    state: int = REQUESTED
    status: int = 0
    received_parts: int = 0
    part_rows: int = 0
    last_part: int | None = None
    attribute_count: int = 0
    skipped_count: int = 0
    generate_us: int | None = None
    due_us: int | None = None
    create_us: int
    update_us: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Its key."""
        return self.tenant_id, self.station_id, self.variable_report_id

    def after_parts(self, tally: Tally, *, generate_us: int | None, now_us: int) -> "ReportRow":
        """The report once a part has arrived: complete where each number from 0 to the last one is there."""
        is_complete = tally.last_part is not None and tally.received == tally.last_part + 1
        return replace(
            self,
            state=COMPLETE if is_complete else RECEIVING,
            received_parts=tally.received,
            part_rows=tally.rows,
            last_part=tally.last_part,
            attribute_count=tally.attribute_count,
            skipped_count=tally.skipped_count,
            generate_us=self.generate_us if generate_us is None else generate_us,
            due_us=None if is_complete else now_us + PATIENCE_US,
            update_us=max(self.update_us, now_us),
        )

    def answered(self, status: int, now_us: int) -> "ReportRow":
        """The report once the station has answered the request; parts may have arrived before."""
        if status == STATUS_ACCEPTED or self.state != REQUESTED:
            return replace(self, status=status, update_us=max(self.update_us, now_us))
        return replace(self, status=status, state=REFUSED, due_us=None, update_us=now_us)

    def overdue(self, now_us: int) -> "ReportRow":
        """The report after too long without a part."""
        return replace(self, state=INCOMPLETE, due_us=None, update_us=now_us)


@dataclass(frozen=True, kw_only=True)
class PartRow:
    """A part of a report."""

    frame: Frame
    variable_report_id: int
    seq_no: int
    is_last: bool
    attribute_count: int
    skipped_count: int

    @property
    def report(self) -> tuple[str, str, int]:
        """The key of its report."""
        return *self.frame.station, self.variable_report_id


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """A value of a variable became another one."""

    change_us: int
    component: str
    variable: str
    component_instance: str
    evse_id: int
    connector_id: int
    variable_instance: str
    attribute_type: str
    former_value: str
    value: str

    @property
    def key(self) -> tuple[int, str, str, str, int, int, str, str]:
        """Its key within the station, in the order of lists."""
        return (
            self.change_us,
            self.component,
            self.variable,
            self.component_instance,
            self.evse_id,
            self.connector_id,
            self.variable_instance,
            self.attribute_type,
        )


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    """A network profile. `profile` is the contract's message as JSON, without its secrets."""

    tenant_id: str
    station_id: str
    configuration_slot: int
    profile: str
    status: int
    username: str
    update_us: int
