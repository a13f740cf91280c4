"""Enumerations, all of them: a word of a message that is handled has a table of its own, or is kept as it is.

tests/gateway/test_enums.py holds each table against its enumeration, word by word; this looks for what has no table.
"""

import pytest

from gateway.ocpp import enums
from tests.conformance.edge import examples
from tests.conformance.ocpp_table import VERSIONS, commands_by_action
from tests.gateway import test_enums as tables
from tests.gateway.v16 import helpers

# Words that the contract has as text, as OCPP spells them.
AS_TEXT_16 = {
    "MeterValues meterValue.sampledValue.unit",
    "StatusNotification errorCode",
    "StopTransaction transactionData.sampledValue.unit",
}
AS_TEXT_2 = {
    "AttributeEnumType",  # gateway/ocpp/v2/variables.py
    "ConnectorEnumType",  # gateway/ocpp/v201/reserve_now.py
    "IdTokenEnumType",  # ADR 0005
}
# Words that decide how the value beside them is read, and go no further.
DECIDING_16 = {
    "MeterValues meterValue.sampledValue.format",
    "StopTransaction transactionData.sampledValue.format",
}
# Of answers to stations: whether the contract's result has a response, or whether it was recorded.
DECIDED_2 = {
    "GetCertificateStatusEnumType",
    "Iso15118EVCertificateStatusEnumType",
    "NotifyEVChargingNeedsStatusEnumType",
}
# Parts of handled messages of 2.0.1 that are neither read nor said, whatever words are in them.
LEFT_OUT_2 = {
    "CostKindEnumType",
    "MessageFormatEnumType",  # personal messages
}


def _handled(folder: str) -> set[str]:
    """The messages that are handled, named as in the schemas."""
    version = VERSIONS[folder]
    actions = set(version.inbound) | set(commands_by_action(version))
    return actions | {f"{action}Response" for action in actions}


def test_words_of_16() -> None:
    """Every enumeration in every message of 1.6 that is handled."""
    places = {
        f"{name} {path}"
        for name, schema in tables._messages("1.6")
        if name in _handled("v16")
        for path, _words in tables._fields(schema, "")
    }
    assert places - set(tables.TABLES_16) - AS_TEXT_16 - DECIDING_16 == set()
    assert places >= AS_TEXT_16 | DECIDING_16


def test_words_of_201() -> None:
    """Every enumeration in every message of 2.0.1 that is handled, by its type."""
    types = {
        name
        for message, schema in tables._messages("2.0.1")
        if message in _handled("v201")
        for name, definition in schema.get("definitions", {}).items()
        if "enum" in definition
    }
    assert types - set(tables.TABLES_2) - AS_TEXT_2 - DECIDED_2 - LEFT_OUT_2 == set()


@pytest.mark.parametrize("place", sorted(AS_TEXT_16))
def test_words_kept_as_text(place: str) -> None:
    """Each word reaches the service as it is spelled, units as 2.x spells them."""
    action, _, path = place.partition(" ")
    field = path.rpartition(".")[2]
    words = dict(tables._fields(helpers.SCHEMAS.schema(action, "request"), ""))[path]
    for word in set(words) - {"NoError"}:  # which is said by leaving it out
        payload = next(found for found in examples("1.6", action, "request") if f"'{field}': '{word}'" in str(found))
        assert f'"{enums.UNITS_16.get(word, word)}"' in str(helpers.to_items(action, payload))
