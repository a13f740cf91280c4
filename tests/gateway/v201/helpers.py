"""The translators of 2.0.1, as their tests use them."""

from typing import Any

from gateway.ocpp.v201.routes import ROUTES
from tests.gateway import translators
from tests.gateway.translators import Translators

TRANSLATORS = Translators(ROUTES)
SCHEMAS = TRANSLATORS.schemas
ORIGIN = translators.ORIGIN
NOW = translators.NOW
# More about a status, as a station says it, and as the contract does.
INFO = {"statusInfo": {"reasonCode": "Busy", "additionalInfo": "later"}}

over_the_wire = translators.over_the_wire
sampled = translators.sampled
to_items = TRANSLATORS.to_items
item = TRANSLATORS.item
station_event = TRANSLATORS.station_event
to_response = TRANSLATORS.to_response
follow_ups = TRANSLATORS.follow_ups
follow_up = TRANSLATORS.follow_up
to_calls = TRANSLATORS.to_calls
to_answer = TRANSLATORS.to_answer
request_payloads = TRANSLATORS.request_payloads


def enumeration(action: str, name: str) -> list[str]:
    """Every word of an enumeration in the action's request."""
    words: list[str] = SCHEMAS.schema(action, "request")["definitions"][name]["enum"]
    return words


def answer_words(action: str, name: str) -> list[str]:
    """Every word of an enumeration in the action's response."""
    words: list[str] = SCHEMAS.schema(action, "response")["definitions"][name]["enum"]
    return words


def statuses_told(command_name: str, command: Any, name: str) -> dict[str, int]:
    """Maps each status word of a station; checks that the fields beside it are carried over."""
    told = {}
    route = ROUTES.outbound_for(command_name, command)
    assert route is not None
    for word in answer_words(route.action, name):
        answer = to_answer(command_name, command, {"status": word} | INFO)
        assert (answer.status_info.reason_code, answer.status_info.additional_info) == ("Busy", "later")
        plain = to_answer(command_name, command, {"status": word})
        assert not plain.HasField("status_info")
        assert plain.status == answer.status
        told[word] = plain.status
    return told
