"""The translators of 1.6, as their tests use them."""

from gateway.ocpp.v16.routes import ROUTES
from tests.gateway import translators
from tests.gateway.translators import Translators

TRANSLATORS = Translators(ROUTES)
SCHEMAS = TRANSLATORS.schemas
ORIGIN = translators.ORIGIN
NOW = translators.NOW

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


def answer_words(action: str, field: str = "status") -> list[str]:
    """Every word that a station may answer with."""
    schema = SCHEMAS.schema(action, "response")
    found = schema["properties"][field]
    if "$ref" in found:  # the security extension has them apart
        found = schema["definitions"][found["$ref"].rpartition("/")[2]]
    words: list[str] = found["enum"]
    return words
