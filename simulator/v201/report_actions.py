"""Variables, reports and network profiles (OCPP 2.0.1, B05 to B09)."""

from collections.abc import Sequence
from typing import Any

from ocpp.v201 import call, call_result
from ocpp.v201.enums import Action

from simulator.v201.actions import Actions, after, on
from simulator.v201.holdings import Words
from simulator.v201.parts import in_parts
from simulator.v201.variables import DeviceModel, Entry
from station_kit.times import format_time

_SLOTS = range(1, 4)
# Component criteria of GetReport by the variable that a component has them in.
_CRITERIA = {"Active": "Active", "Available": "Available", "Enabled": "Enabled", "Problem": "Problem"}


class ReportActions(Actions):
    """Reads, changes and reports variables."""

    @on(Action.get_variables)
    def on_get_variables(self, get_variable_data: Sequence[Words], **_: Any) -> Any:
        """GetVariables."""
        model = DeviceModel(self._station)
        return call_result.GetVariables(get_variable_result=[_read(model, one) for one in get_variable_data])

    @on(Action.set_variables)
    def on_set_variables(self, set_variable_data: Sequence[Words], **_: Any) -> Any:
        """SetVariables."""
        model = DeviceModel(self._station)
        results = [_write(model, one) for one in set_variable_data]
        self._memory.changed.set()  # a heartbeat interval counts at once
        return call_result.SetVariables(set_variable_result=results)

    @after(Action.set_variables)
    def after_set_variables(self, set_variable_data: Sequence[Words], **_: Any) -> None:
        """SetVariables: a new password is used at once, on a new connection."""
        model = DeviceModel(self._station)
        for one in set_variable_data:
            entry = model.find(one)
            if isinstance(entry, Entry) and entry.key is not None:
                self._station.configuration_changed(entry.key, one["attribute_value"])
        self._memory.changed.set()

    @on(Action.get_base_report)
    def on_get_base_report(self, report_base: str, **_: Any) -> Any:
        """GetBaseReport."""
        del report_base
        return call_result.GetBaseReport(status="Accepted")

    @after(Action.get_base_report)
    def after_get_base_report(self, request_id: int, report_base: str, **_: Any) -> None:
        """GetBaseReport: the parts."""
        entries = list(DeviceModel(self._station).entries())
        if report_base == "ConfigurationInventory":
            entries = [entry for entry in entries if entry.mutability != "ReadOnly"]
        elif report_base == "SummaryInventory":
            entries = [entry for entry in entries if entry.variable in ("AvailabilityState", "Problem")]
        self._report(request_id, entries)

    @on(Action.get_report)
    def on_get_report(
        self, component_variable: Sequence[Words] = (), component_criteria: Sequence[str] = (), **_: Any
    ) -> Any:
        """GetReport."""
        found = self._wanted(component_variable, component_criteria)
        return call_result.GetReport(status="Accepted" if found else "EmptyResultSet")

    @after(Action.get_report)
    def after_get_report(
        self,
        request_id: int,
        component_variable: Sequence[Words] = (),
        component_criteria: Sequence[str] = (),
        **_: Any,
    ) -> None:
        """GetReport: the parts."""
        if found := self._wanted(component_variable, component_criteria):
            self._report(request_id, found)

    @on(Action.set_network_profile)
    def on_set_network_profile(self, configuration_slot: int, connection_data: Words, **_: Any) -> Any:
        """SetNetworkProfile. It is kept; the station goes on as its command line says."""
        if configuration_slot not in _SLOTS:
            return call_result.SetNetworkProfile(status="Rejected")
        self._holdings.network_profiles[configuration_slot] = connection_data
        return call_result.SetNetworkProfile(status="Accepted")

    def _wanted(self, component_variable: Sequence[Words], component_criteria: Sequence[str]) -> list[Entry]:
        model = DeviceModel(self._station)
        entries = model.chosen(component_variable) if component_variable else list(model.entries())
        if not component_criteria:
            return entries
        names = {_CRITERIA[one] for one in component_criteria}
        components = {one.component for one in entries if one.variable in names and (one.value or "").lower() == "true"}
        return [entry for entry in entries if entry.component in components]

    def _report(self, request_id: int, entries: Sequence[Entry]) -> None:
        moment = format_time(self._station.moment())
        for number, part, more in in_parts([entry.report() for entry in entries]):
            self._follow(
                call.NotifyReport(
                    request_id=request_id, generated_at=moment, seq_no=number, report_data=list(part) or None, tbc=more
                )
            )


def _read(model: DeviceModel, one: Words) -> Words:
    result: Words = {"component": one["component"], "variable": one["variable"]}
    entry = model.find(one)
    if not isinstance(entry, Entry):
        return {**result, "attribute_status": entry}
    if one.get("attribute_type", "Actual") != "Actual":
        return {**result, "attribute_status": "NotSupportedAttributeType"}
    if entry.value is None:
        return {**result, "attribute_status": "Rejected"}
    return {**result, "attribute_status": "Accepted", "attribute_value": entry.value}


def _write(model: DeviceModel, one: Words) -> Words:
    result: Words = {"component": one["component"], "variable": one["variable"]}
    entry = model.find(one)
    if not isinstance(entry, Entry):
        return {**result, "attribute_status": entry}
    if one.get("attribute_type", "Actual") != "Actual":
        return {**result, "attribute_status": "NotSupportedAttributeType"}
    return {**result, "attribute_status": model.change(entry, one["attribute_value"])}
