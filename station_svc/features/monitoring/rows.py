"""Monitors, alarms and event reports as rows, and what an event changes of an alarm. Pure."""

from dataclasses import dataclass, replace

import msgspec

from station_svc.core.rows import Frame

# csms.station.v1.AlarmState
OPEN = 1
CLOSED = 2


@dataclass(frozen=True, kw_only=True)
class VariableName:
    """The name of a variable."""

    component: str
    component_instance: str
    evse_id: int
    connector_id: int
    variable: str
    variable_instance: str


@dataclass(frozen=True, kw_only=True)
class MonitorRow(VariableName):
    """A monitor of a station."""

    tenant_id: str
    station_id: str
    monitor_id: int
    type: int
    value: float
    severity: int
    is_transaction: int
    is_custom: int = 0
    report_id: int | None = None
    update_us: int


@dataclass(frozen=True, kw_only=True)
class Event(VariableName):
    """One event of a station. `event_us` by the station's clock, else the time at which the frame was read."""

    frame: Frame
    position: int  # in the frame
    event_id: int
    cause_event_id: int | None
    event_us: int
    value: str
    monitor_id: int | None
    notification_type: int
    tech_code: str
    tech_info: str
    transaction_id: str
    cleared: bool

    @property
    def subject(self) -> str:
        """Names what it is about: the variable, and the monitor where there is one. Names have no case."""
        names = (self.component, self.component_instance, self.variable, self.variable_instance)
        parts = [*(name.lower() for name in names), self.evse_id, self.connector_id, self.monitor_id]
        return msgspec.json.encode(parts).decode()

    @property
    def alarm_id(self) -> str:
        """Name of the alarm that it opens."""
        return f"{self.frame.epoch}-{self.frame.ordinal}-{self.position}"


@dataclass(frozen=True, kw_only=True)
class AlarmRow(VariableName):
    """An alarm. `severity` is None where its monitor is not known."""

    tenant_id: str
    station_id: str
    alarm_id: str
    subject: str
    state: int
    value: str
    monitor_id: int | None
    severity: int | None
    notification_type: int
    tech_code: str
    tech_info: str
    transaction_id: str
    event_id: int
    cause_event_id: int | None
    count: int = 1
    open_us: int
    close_us: int | None = None
    update_us: int
    epoch: int
    ordinal: int

    def again(self, event: Event, severity: int | None) -> "AlarmRow":
        """Itself, reported once more while it is open."""
        return replace(
            self,
            value=event.value,
            severity=self.severity if severity is None else severity,
            tech_code=event.tech_code or self.tech_code,
            tech_info=event.tech_info or self.tech_info,
            count=self.count + 1,
            update_us=event.event_us,
            epoch=event.frame.epoch,
            ordinal=event.frame.ordinal,
        )

    def cleared(self, event: Event) -> "AlarmRow":
        """Itself, closed."""
        return replace(
            self,
            state=CLOSED,
            close_us=event.event_us,
            update_us=event.event_us,
            epoch=event.frame.epoch,
            ordinal=event.frame.ordinal,
        )


def opened(event: Event, severity: int | None) -> AlarmRow:
    """The alarm that an event opens."""
    return AlarmRow(
        tenant_id=event.frame.tenant_id,
        station_id=event.frame.station_id,
        alarm_id=event.alarm_id,
        subject=event.subject,
        state=OPEN,
        component=event.component,
        component_instance=event.component_instance,
        evse_id=event.evse_id,
        connector_id=event.connector_id,
        variable=event.variable,
        variable_instance=event.variable_instance,
        value=event.value,
        monitor_id=event.monitor_id,
        severity=severity,
        notification_type=event.notification_type,
        tech_code=event.tech_code,
        tech_info=event.tech_info,
        transaction_id=event.transaction_id,
        event_id=event.event_id,
        cause_event_id=event.cause_event_id,
        open_us=event.event_us,
        update_us=event.event_us,
        epoch=event.frame.epoch,
        ordinal=event.frame.ordinal,
    )


@dataclass(frozen=True, kw_only=True)
class EventReportRow:
    """Events that a station sent in one frame. `dropped` of them are not in `content`, which is JSON."""

    frame: Frame
    content: str
    dropped: int
