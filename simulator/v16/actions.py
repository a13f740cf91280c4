"""Shared by the modules of a 1.6 station's answers: the library's decorators with types, and who they act on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from ocpp.routing import after as ocpp_after
from ocpp.routing import on as ocpp_on
from ocpp.v16.enums import Action, MessageTrigger

from simulator.memory import Memory
from simulator.station import Station

F = TypeVar("F", bound=Callable[..., Any])


def on(action: Action) -> Callable[[F], F]:
    """The library's decorator, with a type."""
    return cast("Callable[[F], F]", ocpp_on(action))


def after(action: Action) -> Callable[[F], F]:
    """The library's decorator, with a type."""
    return cast("Callable[[F], F]", ocpp_after(action))


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A message that the central system asked for; `signed` where it did so in the words of the security extension."""

    wanted: MessageTrigger
    connector_id: int | None = None
    signed: bool = False


class Actions:
    """A part of the answers; ChargePoint16 puts the parts together. `triggered` holds what was asked for."""

    _station: Station
    _memory: Memory
    triggered: list[Trigger]
