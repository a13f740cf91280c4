"""The device model of a 2.0.1 station: standard variables over its configuration, and facts about it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.configuration import ChangeResult
from simulator.station import Station
from simulator.v201.holdings import Words

ITEMS_PER_MESSAGE = 50
BYTES_PER_MESSAGE = 65_000

# (component, variable, instance): key of the configuration, data type, unit. OCPP 2.0.1, part 2, section 2.
_KEYS: Mapping[tuple[str, str, str | None], tuple[str, str, str | None]] = {
    ("AuthCacheCtrlr", "Enabled", None): ("AuthorizationCacheEnabled", "boolean", None),
    ("AuthCtrlr", "AuthorizeRemoteStart", None): ("AuthorizeRemoteTxRequests", "boolean", None),
    ("AuthCtrlr", "LocalAuthorizeOffline", None): ("LocalAuthorizeOffline", "boolean", None),
    ("AuthCtrlr", "LocalPreAuthorize", None): ("LocalPreAuthorize", "boolean", None),
    ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", None): ("AllowOfflineTxForUnknownId", "boolean", None),
    ("LocalAuthListCtrlr", "Enabled", None): ("LocalAuthListEnabled", "boolean", None),
    ("LocalAuthListCtrlr", "ItemsPerMessage", None): ("SendLocalListMaxLength", "integer", None),
    ("OCPPCommCtrlr", "HeartbeatInterval", None): ("HeartbeatInterval", "integer", "s"),
    ("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"): (
        "TransactionMessageRetryInterval",
        "integer",
        "s",
    ),
    ("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"): ("TransactionMessageAttempts", "integer", None),
    ("OCPPCommCtrlr", "ResetRetries", None): ("ResetRetries", "integer", None),
    ("OCPPCommCtrlr", "WebSocketPingInterval", None): ("WebSocketPingInterval", "integer", "s"),
    ("ReservationCtrlr", "NonEvseSpecific", None): ("ReserveConnectorZeroSupported", "boolean", None),
    ("SampledDataCtrlr", "TxUpdatedInterval", None): ("MeterValueSampleInterval", "integer", "s"),
    ("SampledDataCtrlr", "TxUpdatedMeasurands", None): ("MeterValuesSampledData", "MemberList", None),
    ("SecurityCtrlr", "BasicAuthPassword", None): ("AuthorizationKey", "string", None),
    ("SecurityCtrlr", "OrganizationName", None): ("CpoName", "string", None),
    ("SecurityCtrlr", "SecurityProfile", None): ("SecurityProfile", "integer", None),
    ("SmartChargingCtrlr", "Entries", "ChargingProfiles"): ("MaxChargingProfilesInstalled", "integer", None),
    ("SmartChargingCtrlr", "PeriodsPerSchedule", None): ("ChargingScheduleMaxPeriods", "integer", None),
    ("SmartChargingCtrlr", "ProfileStackLevel", None): ("ChargeProfileMaxStackLevel", "integer", None),
    ("TxCtrlr", "EVConnectionTimeOut", None): ("ConnectionTimeOut", "integer", "s"),
    ("TxCtrlr", "StopTxOnEVSideDisconnect", None): ("StopTransactionOnEVSideDisconnect", "boolean", None),
    ("TxCtrlr", "StopTxOnInvalidId", None): ("StopTransactionOnInvalidId", "boolean", None),
}
_FACTS: Mapping[tuple[str, str, str | None], tuple[str, str, str | None]] = {
    ("DeviceDataCtrlr", "BytesPerMessage", "GetVariables"): (str(BYTES_PER_MESSAGE), "integer", None),
    ("DeviceDataCtrlr", "BytesPerMessage", "SetVariables"): (str(BYTES_PER_MESSAGE), "integer", None),
    ("DeviceDataCtrlr", "ItemsPerMessage", "GetReport"): (str(ITEMS_PER_MESSAGE), "integer", None),
    ("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"): (str(ITEMS_PER_MESSAGE), "integer", None),
    ("DeviceDataCtrlr", "ItemsPerMessage", "SetVariables"): (str(ITEMS_PER_MESSAGE), "integer", None),
    ("MonitoringCtrlr", "Enabled", None): ("true", "boolean", None),
    ("OCPPCommCtrlr", "FileTransferProtocols", None): ("HTTP,HTTPS", "MemberList", None),
    ("OCPPCommCtrlr", "NetworkConfigurationPriority", None): ("1", "SequenceList", None),
    ("SmartChargingCtrlr", "RateUnit", None): ("A,W", "MemberList", None),
    ("TxCtrlr", "TxStartPoint", None): ("PowerPathClosed", "MemberList", None),
    ("TxCtrlr", "TxStopPoint", None): ("PowerPathClosed", "MemberList", None),
}
_SET_STATUSES = {ChangeResult.NOT_SUPPORTED: "UnknownVariable"}
_AVAILABILITY = "AvailabilityState"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One variable with its attribute. `key` is that of the configuration, where it may be changed."""

    component: str
    variable: str
    instance: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    key: str | None = None
    value: str | None = None  # None: it may not be read
    mutability: str = "ReadOnly"
    data_type: str = "string"
    unit: str | None = None
    maximum: float | None = None

    @property
    def where(self) -> Words:
        """Component and variable, as OCPP names them."""
        component: Words = {"name": self.component}
        if self.evse_id is not None:
            component["evse"] = {"id": self.evse_id}
            if self.connector_id is not None:
                component["evse"]["connector_id"] = self.connector_id
        variable: Words = {"name": self.variable}
        if self.instance is not None:
            variable["instance"] = self.instance
        return {"component": component, "variable": variable}

    def report(self) -> Words:
        """ReportDataType."""
        attribute: Words = {"type": "Actual", "mutability": self.mutability, "persistent": True, "constant": False}
        if self.value is not None:
            attribute["value"] = self.value
        characteristics: Words = {"data_type": self.data_type, "supports_monitoring": self.maximum is not None}
        if self.unit is not None:
            characteristics["unit"] = self.unit
        if self.maximum is not None:
            characteristics["max_limit"] = self.maximum
        return {**self.where, "variable_attribute": [attribute], "variable_characteristics": characteristics}


class DeviceModel:
    """The variables of a station."""

    def __init__(self, station: Station) -> None:
        self._station = station

    def entries(self) -> Iterator[Entry]:
        """All variables."""
        yield from self._configured()
        for (component, variable, instance), (value, data_type, unit) in _FACTS.items():
            yield Entry(
                component=component, variable=variable, instance=instance, value=value, data_type=data_type, unit=unit
            )
        yield from self._of_station()
        for evse_id in self._station.connectors:
            yield from self._of_evse(evse_id)

    def find(self, words: Mapping[str, Any]) -> Entry | str:
        """The variable that `component` and `variable` name, else UnknownComponent or UnknownVariable."""
        component, variable = words["component"], words["variable"]
        evse = component.get("evse") or {}
        place = (component["name"].lower(), evse.get("id"), evse.get("connector_id"))
        found = [one for one in self.entries() if (one.component.lower(), one.evse_id, one.connector_id) == place]
        name = (variable["name"].lower(), (variable.get("instance") or "").lower())
        for entry in found:
            if (entry.variable.lower(), (entry.instance or "").lower()) == name:
                return entry
        return "UnknownVariable" if found else "UnknownComponent"

    def change(self, entry: Entry, value: str) -> str:
        """Changes a variable; returns the SetVariableStatusEnumType."""
        if entry.key is None:
            return "Rejected"
        result = self._station.configuration.change(entry.key, value)
        return _SET_STATUSES.get(result, result.value)

    def chosen(self, wanted: Sequence[Mapping[str, Any]]) -> list[Entry]:
        """The variables of the components and variables that a report is asked for (B08)."""
        return [entry for entry in self.entries() if any(_is_meant(entry, one) for one in wanted)]

    def _configured(self) -> Iterator[Entry]:
        for (component, variable, instance), (key, data_type, unit) in _KEYS.items():
            found = self._station.configuration.lookup(key)
            if found is None:
                continue
            _name, value, is_read_only = found
            mutability = "WriteOnly" if value is None else "ReadOnly" if is_read_only else "ReadWrite"
            yield Entry(
                component=component,
                variable=variable,
                instance=instance,
                key=key,
                value=value,
                mutability=mutability,
                data_type=data_type,
                unit=unit,
            )

    def _of_station(self) -> Iterator[Entry]:
        identity = self._station.identity
        facts = {
            "FirmwareVersion": identity.firmware_version,
            "Model": identity.model,
            "SerialNumber": identity.serial_number,
            "VendorName": identity.vendor,
            _AVAILABILITY: self._station.statuses()[0].status.value,
        }
        for variable, value in facts.items():
            yield Entry(component="ChargingStation", variable=variable, value=value)

    def _of_evse(self, evse_id: int) -> Iterator[Entry]:
        connector = self._station.connectors[evse_id]
        state = connector_status(connector.status.value)
        yield Entry(
            component="EVSE",
            variable="Power",
            evse_id=evse_id,
            value=str(connector.power_w),
            data_type="decimal",
            unit="W",
            maximum=float(connector.supply.power_w),
        )
        yield Entry(component="EVSE", variable=_AVAILABILITY, evse_id=evse_id, value=state, data_type="OptionList")
        yield Entry(
            component="Connector",
            variable=_AVAILABILITY,
            evse_id=evse_id,
            connector_id=1,
            value=state,
            data_type="OptionList",
        )


def connector_status(word: str) -> str:
    """2.0.1's word for a connector's status in the words of 1.6, which are finer."""
    return word if word in ("Available", "Reserved", "Unavailable", "Faulted") else "Occupied"


def _is_meant(entry: Entry, wanted: Mapping[str, Any]) -> bool:
    component, variable = wanted["component"], wanted.get("variable")
    evse = component.get("evse")
    if component["name"].lower() != entry.component.lower():
        return False
    if evse is not None and evse["id"] != entry.evse_id:
        return False
    return variable is None or variable["name"].lower() == entry.variable.lower()
