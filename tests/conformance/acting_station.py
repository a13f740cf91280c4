"""A station that acts by itself: it accepts commands, keeps what it was sent, and reports, in the words of its version.

Tests see no words of a version: `ActingStation` has the same methods for each, and `DIALECTS` has the differences.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from mesh.runtime.times import now_us
from station_kit.connection import StationConnection, open_connection
from station_kit.frames import Call, CallResult
from station_kit.messages import EventType, Message, Payload, TransactionEvent
from station_kit.times import format_time_us
from station_kit.versions import VERSIONS
from tests.conformance.edge import check

TIMEOUT_S = 60.0
_MWH = 1_000  # of a watt-hour
_SCHEDULE = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.5}]}
_HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "a" * 64, "issuerKeyHash": "b" * 64}


@dataclass(kw_only=True)
class Memory:
    """The state of a station that commands read and change."""

    variables: dict[str, str] = field(default_factory=dict)
    list_version: int = 0
    list_tokens: set[str] = field(default_factory=set)
    roots: list[Payload] = field(default_factory=list)  # hash data of its root certificates


@dataclass(frozen=True, kw_only=True)
class RemoteStart:
    """A start that was requested: for a token, with the first limit of its profile."""

    id_token: str
    limit: float


class Dialect(Protocol):
    """The words of one version that `station_kit` does not have: answers to commands, and reports on files."""

    label: str
    remote_start_action: str

    def answer(self, action: str, payload: Any, memory: Memory) -> Mapping[str, Any]:
        """The answer of a station that accepts."""

    def remote_start(self, payload: Any) -> RemoteStart:
        """A requested start."""

    def firmware_status(self, number: int, status: str) -> Message:
        """A step of an update."""

    def log_status(self, number: int, status: str) -> Message:
        """A step of an upload."""


class Dialect16:
    """OCPP 1.6: no numbers in reports, and no status in answers about files."""

    label = "1.6"
    remote_start_action = "RemoteStartTransaction"

    def answer(self, action: str, payload: Any, memory: Memory) -> Mapping[str, Any]:
        """See Dialect."""
        return _answer(_ANSWERS_16, action, payload, memory)

    def remote_start(self, payload: Any) -> RemoteStart:
        """See Dialect."""
        schedule = payload["chargingProfile"]["chargingSchedule"]
        return RemoteStart(id_token=payload["idTag"], limit=schedule["chargingSchedulePeriod"][0]["limit"])

    def firmware_status(self, number: int, status: str) -> Message:
        """See Dialect."""
        del number
        return Message("FirmwareStatusNotification", {"status": status})

    def log_status(self, number: int, status: str) -> Message:
        """See Dialect."""
        del number
        return Message("DiagnosticsStatusNotification", {"status": status})


class Dialect201:
    """OCPP 2.0.1."""

    label = "2.0.1"
    remote_start_action = "RequestStartTransaction"

    def answer(self, action: str, payload: Any, memory: Memory) -> Mapping[str, Any]:
        """See Dialect."""
        return _answer(_ANSWERS_201, action, payload, memory)

    def remote_start(self, payload: Any) -> RemoteStart:
        """See Dialect."""
        [schedule] = payload["chargingProfile"]["chargingSchedule"]
        limit = schedule["chargingSchedulePeriod"][0]["limit"]
        return RemoteStart(id_token=payload["idToken"]["idToken"], limit=limit)

    def firmware_status(self, number: int, status: str) -> Message:
        """See Dialect."""
        return Message("FirmwareStatusNotification", {"status": status, "requestId": number})

    def log_status(self, number: int, status: str) -> Message:
        """See Dialect."""
        return Message("LogStatusNotification", {"status": status, "requestId": number})


# Answers of the acting stations, by action; each other command is accepted without more to it.

_ACCEPTED = {"status": "Accepted"}


def _answer(answers: "dict[str, Answerer]", action: str, payload: Any, memory: Memory) -> Mapping[str, Any]:
    found = (answers | _ALIKE).get(action)
    return _ACCEPTED if found is None else found(payload, memory)


def _unlock(_payload: Any, _memory: Memory) -> Mapping[str, Any]:
    return {"status": "Unlocked"}


def _install(_payload: Any, memory: Memory) -> Mapping[str, Any]:
    memory.roots.append({**_HASHES, "serialNumber": f"{len(memory.roots) + 1:x}"})
    return _ACCEPTED


def _delete(payload: Any, memory: Memory) -> Mapping[str, Any]:
    memory.roots.remove(payload["certificateHashData"])
    return _ACCEPTED


def _get_configuration(payload: Any, memory: Memory) -> Mapping[str, Any]:
    known = [key for key in payload["key"] if key in memory.variables]
    items = [{"key": key, "value": memory.variables[key], "readonly": False} for key in known]
    return {"configurationKey": items, "unknownKey": [key for key in payload["key"] if key not in known]}


def _change_configuration(payload: Any, memory: Memory) -> Mapping[str, Any]:
    memory.variables[payload["key"]] = payload["value"]
    return _ACCEPTED


def _send_list_16(payload: Any, memory: Memory) -> Mapping[str, Any]:
    memory.list_version = payload["listVersion"]
    memory.list_tokens = {entry["idTag"] for entry in payload["localAuthorizationList"]}
    return _ACCEPTED


def _send_list_201(payload: Any, memory: Memory) -> Mapping[str, Any]:
    memory.list_version = payload["versionNumber"]
    memory.list_tokens = {one["idToken"]["idToken"] for one in payload.get("localAuthorizationList", ())}
    return _ACCEPTED


def _composite_16(payload: Any, _memory: Memory) -> Mapping[str, Any]:
    schedule = {**_SCHEDULE, "duration": payload["duration"]}
    place = {"connectorId": payload["connectorId"], "scheduleStart": format_time_us(now_us())}
    return {**_ACCEPTED, **place, "chargingSchedule": schedule}


def _composite_201(payload: Any, _memory: Memory) -> Mapping[str, Any]:
    moment = format_time_us(now_us())
    place = {"evseId": payload["evseId"], "scheduleStart": moment, "duration": payload["duration"]}
    return {**_ACCEPTED, "schedule": {**_SCHEDULE, **place}}


def _roots_201(_payload: Any, memory: Memory) -> Mapping[str, Any]:
    roots = [{"certificateType": "CSMSRootCertificate", "certificateHashData": one} for one in memory.roots]
    return {**_ACCEPTED, "certificateHashDataChain": roots}


def _get_variables(payload: Any, memory: Memory) -> Mapping[str, Any]:
    return {"getVariableResult": [_read(one, memory) for one in payload["getVariableData"]]}


def _set_variables(payload: Any, memory: Memory) -> Mapping[str, Any]:
    return {"setVariableResult": [_set(one, memory) for one in payload["setVariableData"]]}


def _reference(one: Any) -> dict[str, Any]:
    return {"component": one["component"], "variable": one["variable"]}


def _read(one: Any, memory: Memory) -> dict[str, Any]:
    value = memory.variables.get(one["variable"]["name"])
    if value is None:
        return {**_reference(one), "attributeStatus": "UnknownVariable"}
    return {**_reference(one), "attributeStatus": "Accepted", "attributeValue": value}


def _set(one: Any, memory: Memory) -> dict[str, Any]:
    memory.variables[one["variable"]["name"]] = one["attributeValue"]
    return {**_reference(one), "attributeStatus": "Accepted"}


Answerer = Callable[[Any, Memory], Mapping[str, Any]]
"""`answerer(payload, memory)` returns the payload of an answer."""

_ALIKE: dict[str, Answerer] = {
    "DeleteCertificate": _delete,
    "InstallCertificate": _install,
    "UnlockConnector": _unlock,
}
_ANSWERS_16: dict[str, Answerer] = {
    "ChangeConfiguration": _change_configuration,
    "GetCompositeSchedule": _composite_16,
    "GetConfiguration": _get_configuration,
    "GetDiagnostics": lambda _payload, _memory: {"fileName": "log.zip"},
    "GetInstalledCertificateIds": lambda _payload, memory: {**_ACCEPTED, "certificateHashData": memory.roots},
    "GetLocalListVersion": lambda _payload, memory: {"listVersion": memory.list_version},
    "SendLocalList": _send_list_16,
    "UpdateFirmware": lambda _payload, _memory: {},
}
_ANSWERS_201: dict[str, Answerer] = {
    "GetCompositeSchedule": _composite_201,
    "GetInstalledCertificateIds": _roots_201,
    "GetLocalListVersion": lambda _payload, memory: {"versionNumber": memory.list_version},
    "GetLog": lambda _payload, _memory: {**_ACCEPTED, "filename": "log.zip"},
    "GetVariables": _get_variables,
    "SendLocalList": _send_list_201,
    "SetVariables": _set_variables,
}

DIALECTS: Mapping[str, Dialect] = {"ocpp1.6": Dialect16(), "ocpp2.0.1": Dialect201()}
"""By sub-protocol."""


class ActingStation:
    """One station. Its frames are held against the schemas of its version, in both directions."""

    def __init__(self, station_id: str, subprotocol: str) -> None:
        self.station_id = station_id
        self.memory = Memory()
        self.calls: list[tuple[str, Any]] = []
        self._version = VERSIONS[subprotocol]
        self._dialect = DIALECTS[subprotocol]
        self._numbers = count(1)
        self._connection: StationConnection

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[None]:
        """Its socket, after a boot that was accepted, with its connector available."""
        async with open_connection(
            url, subprotocol=self._version.subprotocol, open_timeout_s=TIMEOUT_S, answerer=self._answer
        ) as self._connection:
            answer = await self._send(self._version.boot(vendor="Vendor", model="Model"))
            assert answer["status"] == "Accepted"
            await self._send(self._version.available(now_us()))
            yield

    def _answer(self, call: Call) -> CallResult:
        check(self._dialect.label, call.action, "request", call.payload)
        self.calls.append((call.action, call.payload))
        answer = dict(self._dialect.answer(call.action, call.payload, self.memory))
        check(self._dialect.label, call.action, "response", answer)
        return CallResult(message_id=call.message_id, payload=answer)

    async def _send(self, message: Message, **more: Any) -> Any:
        payload = message.payload | more
        check(self._dialect.label, message.action, "request", payload)
        call = Call(message_id=f"{next(self._numbers)}", action=message.action, payload=payload)
        answer = await self._connection.call(call, timeout_s=TIMEOUT_S)
        assert isinstance(answer, CallResult), answer
        check(self._dialect.label, message.action, "response", answer.payload)
        return answer.payload

    async def charge(self, id_token: str, energy_wh: int, **first: Any) -> None:
        """A whole transaction at its connector; `first` are further fields of its first message."""
        transaction_id = self._version.own_transaction_id(f"{self.station_id}-{next(self._numbers)}")
        registers = {EventType.STARTED: 1_000, EventType.ENDED: 1_000 + energy_wh}
        for seq_no, (kind, register_wh) in enumerate(registers.items()):
            event = TransactionEvent(
                event_type=kind,
                id_token=id_token,
                seq_no=seq_no,
                time_us=now_us(),
                register_mwh=register_wh * _MWH,
            )
            message = self._version.transaction_event(event, transaction_id)
            answer = await self._send(message, **(first if kind is EventType.STARTED else {}))
            if kind is EventType.STARTED:
                started = self._version.read_start(answer)
                assert started.status == "Accepted"
                transaction_id = transaction_id or started.transaction_id

    def remote_start(self) -> RemoteStart:
        """The latest start that was requested."""
        found = [payload for action, payload in self.calls if action == self._dialect.remote_start_action]
        return self._dialect.remote_start(found[-1])

    async def report_firmware(self, number: int, *statuses: str) -> None:
        """Steps of an update."""
        for status in statuses:
            await self._send(self._dialect.firmware_status(number, status))

    async def report_log(self, number: int, *statuses: str) -> None:
        """Steps of an upload."""
        for status in statuses:
            await self._send(self._dialect.log_status(number, status))
