"""A driver is found in each form of the id token and in text, and nothing else is taken for one."""

import base64
import json

import pytest
from csms.common.v1.meter_value_pb2 import SampledValue, SignedMeterValue
from hypothesis import given
from hypothesis import strategies as st

from mesh.contract.drivers import LEAST_LENGTH, Driver

EMAID = Driver(tenant_id="acme", id_tokens=("DE-ABC-C12345678-9",), pseudonym="erased-1")
CARD = Driver(tenant_id="acme", id_tokens=("04A1B2C3",), pseudonym="erased-1")
SHORT = Driver(tenant_id="acme", id_tokens=("12",), pseudonym="erased-1")
FOREIGN = Driver(tenant_id="acme", id_tokens=("Müller/7ä",), pseudonym="erased-1")


@pytest.mark.parametrize(
    ("driver", "text"),
    [
        (EMAID, "deabcc123456789"),
        (EMAID, '{"idTag":"DE-ABC-C12345678-9"}'),
        (EMAID, "refused de-abc-c123456789 at the reader"),
        (CARD, " 04a1b2c3 "),
        (CARD, r'{"info":"first line\n04A1B2C3"}'),
        (SHORT, "12"),
        (SHORT, '{"idTag":" 12 "}'),
        (FOREIGN, '{"idTag":"Müller/7ä"}'),
        (FOREIGN, r'{"idTag":"M\u00fcller\/7\u00E4"}'),
    ],
)
def test_forms_in_text_are_found_and_replaced(driver: Driver, text: str) -> None:
    assert driver.mentions(text)
    assert not driver.mentions(driver.without(text))
    assert "erased-1" in driver.without(text)


@pytest.mark.parametrize(
    ("driver", "text"),
    [
        (CARD, "04A1B2C3D4"),
        (CARD, "1104A1B2C3"),
        (CARD, ""),
        (SHORT, '{"connectorId":12,"value":12.5}'),
        (SHORT, '{"transactionId":"123"}'),
        (EMAID, "deabcc123456788"),
    ],
)
def test_others_are_not_found(driver: Driver, text: str) -> None:
    assert not driver.mentions(text)
    assert driver.without(text) == text


def test_what_a_payload_encodes_is_found() -> None:
    proof = base64.b64encode(b'OCMF|{"ID":"04A1B2C3","RD":[]}|{}').decode()
    assert CARD.mentions_payload(f'{{"signedMeterData":"{proof}"}}')
    assert CARD.mentions_payload(f'{{"signedMeterData":"{b"padding 04a1b2c3 padding".hex()}"}}')
    assert not CARD.mentions_payload(f'{{"signedMeterData":"{base64.b64encode(b"x" * 60).decode()}"}}')
    assert CARD.is_in(SignedMeterValue(signed_meter_data=proof))


def test_a_value_that_is_a_number_names_nobody() -> None:
    assert not SHORT.is_in(SampledValue(value="12"))
    assert not Driver(tenant_id="acme", id_tokens=("12345678",)).is_in(SampledValue(value="12345678"))


def test_words_for_a_driver_go_with_the_id_token_and_names_of_other_things_stay() -> None:
    mine = {"idToken": "04A1B2C3", "displayName": "Erika", "groupIdToken": "G"}
    others = {"idToken": "04A1B2C4", "displayName": "Otto", "groupIdToken": "G"}
    event = {"stationId": "04A1B2C3", "tokens": [mine, others], "energyWh": 12.0, "note": "card 04A1B2C3"}
    assert CARD.replaced(event) == {
        "stationId": "04A1B2C3",
        "tokens": [{"idToken": "erased-1", "displayName": "", "groupIdToken": ""}, others],
        "energyWh": 12.0,
        "note": "card erased-1",
    }


@pytest.mark.parametrize(("driver", "data"), [(CARD, b"\x0a\x0804a1b2c3\x10"), (SHORT, b"\x0a\x0212\x10")])
def test_tokens_in_serialized_data_are_found(driver: Driver, data: bytes) -> None:
    assert driver.mentions_data(data)


def test_a_short_token_within_a_number_of_serialized_data_is_not_found() -> None:
    assert not SHORT.mentions_data(b"\x0a\x04x123\x10")


def test_no_repr_has_an_id_token() -> None:
    assert "04A1" not in repr(CARD)


@given(st.text(min_size=LEAST_LENGTH, max_size=40).filter(lambda text: text.isprintable() and text == text.strip()))
def test_any_token_is_found_in_json(token: str) -> None:

    driver = Driver(tenant_id="acme", id_tokens=(token,), pseudonym="erased-1")
    for text in (json.dumps({"idTag": token}), json.dumps({"idTag": token}, ensure_ascii=False)):
        assert driver.mentions(text)
        assert json.loads(driver.without(text)) == {"idTag": "erased-1"}
