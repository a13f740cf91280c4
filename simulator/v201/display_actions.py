"""Messages on the station's display (OCPP 2.0.1, O01 to O06)."""

from collections.abc import Sequence
from typing import Any

from ocpp.v201 import call, call_result
from ocpp.v201.enums import Action

from simulator.v201.actions import Actions, after, on
from simulator.v201.holdings import Words
from simulator.v201.parts import in_parts

_MOST = 20
_FORMATS = ("ASCII", "UTF8", "URI")


class DisplayActions(Actions):
    """Shows, lists and removes messages."""

    @on(Action.set_display_message)
    def on_set_message(self, message: Words, **_: Any) -> Any:
        """SetDisplayMessage: one with a known id is replaced (O06)."""
        return call_result.SetDisplayMessage(status=self._show(message))

    @on(Action.get_display_messages)
    def on_get_messages(
        self,
        id: Sequence[int] = (),  # noqa: A002 - the library names it
        priority: str | None = None,
        state: str | None = None,
        **_: Any,
    ) -> Any:
        """GetDisplayMessages."""
        found = self._messages_of(id, priority, state)
        return call_result.GetDisplayMessages(status="Accepted" if found else "Unknown")

    @after(Action.get_display_messages)
    def after_get_messages(
        self,
        request_id: int,
        id: Sequence[int] = (),  # noqa: A002
        priority: str | None = None,
        state: str | None = None,
        **_: Any,
    ) -> None:
        """GetDisplayMessages: the parts."""
        found = self._messages_of(id, priority, state)
        for _number, part, more in in_parts(found, 5) if found else ():
            self._follow(call.NotifyDisplayMessages(request_id=request_id, message_info=list(part), tbc=more))

    @on(Action.clear_display_message)
    def on_clear_message(self, id: int, **_: Any) -> Any:  # noqa: A002
        """ClearDisplayMessage."""
        found = self._holdings.display_messages.pop(id, None)
        return call_result.ClearDisplayMessage(status="Unknown" if found is None else "Accepted")

    def _show(self, message: Words) -> str:
        if message["message"]["format"] not in _FORMATS:
            return "NotSupportedMessageFormat"
        transaction_id = message.get("transaction_id")
        if transaction_id is not None and self._memory.key_of(transaction_id) is None:
            return "UnknownTransaction"
        messages = self._holdings.display_messages
        if message["id"] not in messages and len(messages) >= _MOST:
            return "Rejected"
        messages[message["id"]] = message
        return "Accepted"

    def _messages_of(self, ids: Sequence[int], priority: str | None, state: str | None) -> list[Words]:
        return [
            one
            for number, one in sorted(self._holdings.display_messages.items())
            if (not ids or number in ids) and priority in (None, one["priority"]) and state in (None, one.get("state"))
        ]
