"""A 1.6 station that keeps a local list, behind the gateway of the tests: real translators, its own rules."""

from typing import Any

import grpc
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2

from gateway.ocpp.translation import UnacceptableError
from gateway.ocpp.v16.routes import ROUTES
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field


class ListStation:
    """Answers as a station would. `behave` is for FarGateway; `faults` are what goes wrong next, in turn.

    A fault is an error that is raised in place of the answer ("lost": after the station has acted), or a status.
    """

    def __init__(self, *, part: int | None = 5, total: int | None = None) -> None:
        self.version = 0
        self.list: dict[str, dict[str, Any]] = {}
        self.keys = {"SendLocalListMaxLength": part, "LocalAuthListMaxLength": total}
        self.sent: list[tuple[str, int, list[str]]] = []  # update type, version, id tags
        self.faults: list[str] = []
        self.supported = True

    async def behave(self, request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        """One command."""
        name = str(request.WhichOneof("command"))
        command = getattr(request, name)
        route = ROUTES.outbound_for(name, command)
        assert route is not None
        try:
            payloads = route.to_calls(command)
        except UnacceptableError as error:
            raise invalid_field(error.field, str(error)) from error
        answers = [self.answer(route.action, payload) for payload in payloads]
        response = gateway_pb2.CallResponse()
        getattr(response, name).CopyFrom(route.to_answer(command, answers))
        return response

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The answer to one CALL."""
        if action == "GetLocalListVersion":
            return {"listVersion": self.version if self.supported else -1}
        if action == "GetConfiguration":
            return self._configuration(payload["key"])
        assert action == "SendLocalList", action
        return {"status": self._take(payload)}

    def _configuration(self, names: list[str]) -> dict[str, Any]:
        known = [name for name in names if self.keys.get(name) is not None]
        items = [{"key": name, "readonly": True, "value": str(self.keys[name])} for name in known]
        return {"configurationKey": items, "unknownKey": [name for name in names if name not in known]}

    def _take(self, payload: dict[str, Any]) -> str:
        entries = payload["localAuthorizationList"]
        self.sent.append((payload["updateType"], payload["listVersion"], [entry["idTag"] for entry in entries]))
        fault = self.faults.pop(0) if self.faults else ""
        if fault in ("Failed", "NotSupported", "VersionMismatch"):
            return fault
        if len(entries) > (self.keys["SendLocalListMaxLength"] or 50):
            return "Failed"
        full = payload["updateType"] == "Full"
        if not full and payload["listVersion"] <= self.version:
            return "VersionMismatch"
        changed = {} if full else dict(self.list)
        for entry in entries:
            changed.pop(entry["idTag"], None)
            if "idTagInfo" in entry:
                changed[entry["idTag"]] = entry["idTagInfo"]
        if len(changed) > (self.keys["LocalAuthListMaxLength"] or 20_000):
            return "Failed"
        self.list, self.version = changed, payload["listVersion"]
        if fault == "lost":
            raise MeshError(grpc.StatusCode.DEADLINE_EXCEEDED, Reason.CALL_TIMEOUT, "no answer")
        return "Accepted"
