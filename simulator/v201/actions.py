"""Shared by the modules of a 2.0.1 station's answers: the library's decorators with types, and who they act on."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from ocpp.routing import after as ocpp_after
from ocpp.routing import on as ocpp_on
from ocpp.v201.enums import Action

from simulator.memory import Memory
from simulator.station import Station
from simulator.v201.holdings import Holdings

F = TypeVar("F", bound=Callable[..., Any])


def on(action: Action) -> Callable[[F], F]:
    """The library's decorator, with a type."""
    return cast("Callable[[F], F]", ocpp_on(action))


def after(action: Action) -> Callable[[F], F]:
    """The library's decorator, with a type."""
    return cast("Callable[[F], F]", ocpp_after(action))


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A message that the central system asked for; without an EVSE of all of them."""

    wanted: str
    evse_id: int | None = None


class Actions:
    """A part of the answers; ChargePoint201 puts the parts together.

    `triggered` holds what a trigger asked for, `outgoing` the CALLs that follow an answer,
    such as the parts of a report.
    """

    _station: Station
    _memory: Memory
    _holdings: Holdings
    triggered: deque[Trigger]
    outgoing: deque[Any]

    def _follow(self, *calls: Any) -> None:
        """Sends CALLs once the answer has left."""
        self.outgoing.extend(calls)
        self._memory.changed.set()

    def _knows_evse(self, evse_id: int | None) -> bool:
        return evse_id is None or evse_id in self._station.connectors
