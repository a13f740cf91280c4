"""Monitors (OCPP 2.0.1, N02 to N06). They are kept and reported; alarms come from faults (`events.py`)."""

from collections.abc import Sequence
from typing import Any

from ocpp.v201 import call, call_result
from ocpp.v201.enums import Action

from simulator.v201.actions import Actions, after, on
from simulator.v201.holdings import Words
from simulator.v201.parts import in_parts
from simulator.v201.variables import DeviceModel, Entry
from station_kit.times import format_time

_CRITERIA = {
    "ThresholdMonitoring": ("UpperThreshold", "LowerThreshold"),
    "DeltaMonitoring": ("Delta",),
    "PeriodicMonitoring": ("Periodic", "PeriodicClockAligned"),
}
_SEVERITIES = range(10)


class MonitoringActions(Actions):
    """Sets, clears and reports monitors."""

    @on(Action.set_variable_monitoring)
    def on_set_monitoring(self, set_monitoring_data: Sequence[Words], **_: Any) -> Any:
        """SetVariableMonitoring."""
        results = [self._set(one) for one in set_monitoring_data]
        return call_result.SetVariableMonitoring(set_monitoring_result=results)

    @on(Action.clear_variable_monitoring)
    def on_clear_monitoring(self, id: Sequence[int], **_: Any) -> Any:  # noqa: A002 - the library names it
        """ClearVariableMonitoring."""
        results = [
            {"id": one, "status": "NotFound" if self._holdings.monitors.pop(one, None) is None else "Accepted"}
            for one in id
        ]
        return call_result.ClearVariableMonitoring(clear_monitoring_result=results)

    @on(Action.set_monitoring_base)
    def on_set_base(self, monitoring_base: str, **_: Any) -> Any:
        """SetMonitoringBase: FactoryDefault and HardWiredOnly remove what was set (N03.FR.03, .04)."""
        self._holdings.monitoring_base = monitoring_base
        if monitoring_base != "All":
            self._holdings.monitors.clear()
        return call_result.SetMonitoringBase(status="Accepted")

    @on(Action.set_monitoring_level)
    def on_set_level(self, severity: int, **_: Any) -> Any:
        """SetMonitoringLevel."""
        if severity not in _SEVERITIES:
            return call_result.SetMonitoringLevel(status="Rejected")
        self._holdings.monitoring_level = severity
        return call_result.SetMonitoringLevel(status="Accepted")

    @on(Action.get_monitoring_report)
    def on_get_monitoring_report(
        self, component_variable: Sequence[Words] = (), monitoring_criteria: Sequence[str] = (), **_: Any
    ) -> Any:
        """GetMonitoringReport."""
        found = self._monitors_of(component_variable, monitoring_criteria)
        return call_result.GetMonitoringReport(status="Accepted" if found else "EmptyResultSet")

    @after(Action.get_monitoring_report)
    def after_get_monitoring_report(
        self,
        request_id: int,
        component_variable: Sequence[Words] = (),
        monitoring_criteria: Sequence[str] = (),
        **_: Any,
    ) -> None:
        """GetMonitoringReport: the parts."""
        found = [_monitoring(number, one) for number, one in self._monitors_of(component_variable, monitoring_criteria)]
        moment = format_time(self._station.moment())
        for number, part, more in in_parts(found) if found else ():
            self._follow(
                call.NotifyMonitoringReport(
                    request_id=request_id, seq_no=number, generated_at=moment, monitor=list(part), tbc=more
                )
            )

    def _set(self, one: Words) -> Words:
        result: Words = {key: one[key] for key in ("type", "severity", "component", "variable")}
        entry = DeviceModel(self._station).find(one)
        if not isinstance(entry, Entry):
            return {**result, "status": entry}
        if entry.maximum is None:
            return {**result, "status": "UnsupportedMonitorType"}
        given = one.get("id")
        if given is not None and given not in self._holdings.monitors:
            return {**result, "status": "Rejected"}
        number = next(self._holdings.monitor_ids) if given is None else given
        self._holdings.monitors[number] = one
        return {**result, "id": number, "status": "Accepted"}

    def _monitors_of(self, wanted: Sequence[Words], criteria: Sequence[str]) -> list[tuple[int, Words]]:
        types = {kind for one in criteria for kind in _CRITERIA[one]}
        return [
            (number, one)
            for number, one in sorted(self._holdings.monitors.items())
            if (not types or one["type"] in types) and (not wanted or any(_is_of(one, place) for place in wanted))
        ]


def _is_of(monitor: Words, wanted: Words) -> bool:
    variable = wanted.get("variable")
    same_component = monitor["component"]["name"] == wanted["component"]["name"]
    return same_component and (variable is None or monitor["variable"]["name"] == variable["name"])


def _monitoring(number: int, one: Words) -> Words:
    """MonitoringDataType."""
    monitor = {key: one[key] for key in ("value", "type", "severity")}
    return {
        "component": one["component"],
        "variable": one["variable"],
        "variable_monitoring": [{"id": number, "transaction": one.get("transaction", False), **monitor}],
    }
