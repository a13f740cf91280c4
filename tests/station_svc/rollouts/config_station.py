"""1.6 stations with a configuration, behind the gateway of the tests: real translators, their own habits."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2

from gateway.ocpp.translation import UnacceptableError
from gateway.ocpp.v16.routes import ROUTES
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field


class ConfigStation:
    """One station. `words` are what it answers a change of a key with in place of Accepted.

    `restarts_after`: it restarts after that many changes, before it has answered; `keeps`: it holds what it took.
    """

    def __init__(self, **keys: str) -> None:
        self.keys = keys
        self.words: dict[str, str] = {}
        self.restarts_after = 0
        self.keeps = True
        self.reset_word = "Accepted"
        self.changes: list[tuple[str, str]] = []
        self.resets: list[str] = []
        self.updates: list[dict[str, Any]] = []
        self.firmware_fault: MeshError | None = None
        # The answers to other actions, and how often each was called.
        self.answers: dict[str, dict[str, Any] | MeshError] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.restarted: Callable[[], Awaitable[None]] | None = None
        self.gate: asyncio.Event | None = None

    async def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The answer to one CALL."""
        self.calls.append((action, payload))
        if action in self.answers:
            given = self.answers[action]
            if isinstance(given, MeshError):
                raise given
            return given
        if action == "GetConfiguration":
            known = [key for key in payload["key"] if key in self.keys]
            items = [{"key": key, "readonly": False, "value": self.keys[key]} for key in known]
            return {"configurationKey": items, "unknownKey": [key for key in payload["key"] if key not in known]}
        if action == "Reset":
            self.resets.append(payload["type"])
            return {"status": self.reset_word}
        if action == "UpdateFirmware":
            self.updates.append(payload)
            if self.firmware_fault is not None:
                raise self.firmware_fault
            return {}
        assert action == "ChangeConfiguration", action
        if self.gate is not None:
            await self.gate.wait()
        return {"status": await self._change(payload["key"], payload["value"])}

    async def _change(self, key: str, value: str) -> str:
        self.changes.append((key, value))
        word = self.words.get(key, "Accepted")
        if self.keeps and word in ("Accepted", "RebootRequired"):
            self.keys[key] = value
        if self.restarts_after and len(self.changes) % self.restarts_after == 0:
            assert self.restarted is not None
            await self.restarted()
            raise MeshError(grpc.StatusCode.ABORTED, Reason.STATION_DISCONNECTED, "it restarted before it answered")
        return word


class Fleet(dict[str, ConfigStation]):
    """Stations by id. `behave` is for FarGateway."""

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
        answers = [await self[request.station_id].answer(route.action, payload) for payload in payloads]
        response = gateway_pb2.CallResponse()
        getattr(response, name).CopyFrom(route.to_answer(command, answers))
        return response
