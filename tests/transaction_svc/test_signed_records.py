"""Signed meter records: valid signatures prove their energy, invalid ones do not."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from csms.common.v1 import meter_value_pb2 as meter
from csms.common.v1.meter_value_pb2 import SampledValue, SignedMeterValue
from csms.transaction.v1.transaction_service_pb2 import ENERGY_BASIS_REGISTER, ENERGY_BASIS_SIGNED_REGISTER, Transaction

from tests.transaction_svc.kit import Service, event_2x, register, sampled
from transaction_svc.event_record import BEGIN, BETWEEN, END, SIGNED, VERIFIED
from transaction_svc.signed_records import SignedReading, read_signed_readings

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
IMPORT = {"RI": "1-b:1.8.0", "RU": "kWh", "ST": "G"}


def public_key(key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    """The public key in DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def ocmf(*readings: Mapping[str, Any], key: ec.EllipticCurvePrivateKey = KEY, encoding: str = "hex") -> str:
    """A record with these readings, as a meter signs it."""
    payload = json.dumps({"FV": "1.0", "GI": "TEST", "PG": "T1", "RD": readings})
    proof = key.sign(payload.encode(), ec.ECDSA(hashes.SHA256()))
    data = proof.hex() if encoding == "hex" else base64.b64encode(proof).decode()
    signature = {"SA": "ECDSA-secp256r1-SHA256", "SD": data} | ({} if encoding == "hex" else {"SE": encoding})
    return f"OCMF|{payload}|{json.dumps(signature)}"


def signed(text: str, key: str | None = None) -> SignedMeterValue:
    """A signed meter value with the record, as in OCPP 2.0.1."""
    return SignedMeterValue(signed_meter_data=text, encoding_method="OCMF", public_key=key or public_key().hex())


@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_right_signature(encoding: str) -> None:
    """Value and unit come from the record."""
    text = ocmf({"TX": "B", "RV": 2114.1356, **IMPORT}, encoding=encoding)
    assert read_signed_readings(signed(text)) == [SignedReading(BEGIN, VERIFIED, 2114135600)]


@pytest.mark.parametrize(
    "form",
    [
        public_key().hex(),
        public_key().hex().upper(),
        base64.b64encode(public_key()).decode(),
        "oca:base16:asn1:" + public_key().hex(),
        base64.b64encode(b"oca:base16:asn1:" + public_key().hex().encode()).decode(),
        "oca:base64:asn1:" + base64.b64encode(public_key()).decode(),
    ],
)
def test_public_keys_in_all_their_forms(form: str) -> None:
    """OCA's notation, which OCPP 2.0.1 has in base64, and other forms that stations send."""
    assert read_signed_readings(signed(ocmf({"TX": "E", "RV": 1, **IMPORT}), form))[0].proof == VERIFIED


def test_records_in_base64_and_hexadecimal() -> None:
    """OCPP 2.0.1 has them in base64."""
    text = ocmf({"TX": "B", "RV": 1, **IMPORT})
    for form in (base64.b64encode(text.encode()).decode(), text.encode().hex()):
        assert read_signed_readings(signed(form)) == read_signed_readings(signed(text))


@pytest.mark.parametrize(
    "proof",
    [
        signed(ocmf({"TX": "B", "RV": 5, **IMPORT}).replace('"RV": 5', '"RV": 9')),  # changed after it was signed
        signed(ocmf({"TX": "B", "RV": 9, **IMPORT}, key=OTHER_KEY)),
        signed(ocmf({"TX": "B", "RV": 9, **IMPORT}), "no key"),
        signed(ocmf({"TX": "B", "RV": 9, **IMPORT}).rpartition("|")[0] + "|{}"),
        signed(ocmf({"TX": "B", "RV": 9, **IMPORT}).replace("SHA256", "MD5")),
    ],
)
def test_a_wrong_signature_proves_nothing(proof: SignedMeterValue) -> None:
    """The value is still read, for comparison."""
    assert read_signed_readings(proof) == [SignedReading(BEGIN, SIGNED, 9_000_000)]


def test_begin_and_end_in_one_record() -> None:
    """A field that an entry omits is that of the entry before."""
    text = ocmf({"TX": "B", "RV": "1.5", **IMPORT}, {"TX": "C", "RV": "2"}, {"TX": "E", "RV": "3.25"}, {"RV": "4"})
    assert [(record.rank, record.mwh) for record in read_signed_readings(signed(text))] == [
        (BEGIN, 1_500_000),
        (BETWEEN, 2_000_000),
        (END, 3_250_000),
        (None, 4_000_000),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        {"TX": "B", "RV": 1, "RI": "1-b:2.8.0", "RU": "kWh", "ST": "G"},  # export
        {"TX": "B", "RV": 1, "RI": "01-00:C1.08.00*FF", "RU": "kWh", "ST": "G"},
        {"TX": "B", "RV": 1, "RI": "1-b:1.8.0", "RU": "kW", "ST": "G"},  # no energy
        {"TX": "B", "RV": 1, "RI": "1-b:1.8.0", "RU": "kWh", "ST": "E"},  # the meter has an error
    ],
)
def test_readings_that_are_no_import(entry: Mapping[str, Any]) -> None:
    """They do not count; other entries of the record do."""
    assert [record.mwh for record in read_signed_readings(signed(ocmf(entry, {"TX": "E", "RV": 7, **IMPORT})))] == [
        7_000_000
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "OCMF|",
        "OCMF|{}|{}",
        "OCMF|[]|",
        'OCMF|{"RD":[{"RV":"x"}]}|{}',
        'OCMF|{"RD":[{"RV":-1}]}|{}',
        'OCMF|{"RD":[{"RV":1e400}]}|{}',
        'OCMF|{"RD":7}|{}',
        "<signedMeterValue/>",
        "AAECAw==",
        "00010203",
        "x" * 100_000,
    ],
)
def test_records_that_cannot_be_read(text: str) -> None:
    """They are in another format, or in none."""
    assert not read_signed_readings(signed(text))


@pytest.mark.parametrize("code", ["1-0:1.8.0", "1-b:1.8.0", "01-00:98.08.00.FF", "01-00:B1.08.00*FF", "1-b:1.8.e"])
def test_codes_of_the_import(code: str) -> None:
    """OBIS codes as meters in the field have them."""
    assert read_signed_readings(signed(ocmf({"TX": "B", "RV": 1, "RI": code, "RU": "Wh", "ST": "G"})))[0].mwh == 1000


def _sample(text: str, value: str, context: Any) -> SampledValue:
    return SampledValue(value=value, context=context, signed_meter_value=signed(text))


async def _charged(service: Service, begin: str, end: str) -> Transaction:
    """A session of 5000 Wh by its unsigned readings, with signed ones beside them."""
    contexts = meter.READING_CONTEXT_TRANSACTION_BEGIN, meter.READING_CONTEXT_TRANSACTION_END
    started = event_2x("a", "STARTED", 0, 0, 2_000_000)
    started.meter_values.append(sampled(0, _sample(begin, "2000", contexts[0])))
    ended = event_2x("a", "ENDED", 1, 3600, 2_005_000)
    ended.meter_values.append(
        sampled(3600, _sample(end, "2004", contexts[1]), register(2_005_000, context=contexts[1]))
    )
    for event in (started, ended):
        await service.one(event)
    return await service.get("a")


async def test_proven_readings_win(service: Service) -> None:
    """The difference is flagged."""
    found = await _charged(service, ocmf({"TX": "B", "RV": 2000, **IMPORT}), ocmf({"TX": "E", "RV": 2004.5, **IMPORT}))
    assert (found.energy_wh, found.energy_basis) == (4500, ENERGY_BASIS_SIGNED_REGISTER)
    assert list(found.flags) == ["signed_differs"]


async def test_unproven_readings_only_flag_a_difference(service: Service) -> None:
    """One of the two signatures is wrong."""
    begin, end = ({"TX": kind, "RV": value, **IMPORT} for kind, value in (("B", 2000), ("E", 2004.5)))
    found = await _charged(service, ocmf(begin, key=OTHER_KEY), ocmf(end, key=OTHER_KEY))
    assert (found.energy_wh, found.energy_basis) == (5000, ENERGY_BASIS_REGISTER)
    assert list(found.flags) == ["signed_differs"]


async def test_readings_that_agree_are_not_flagged(service: Service) -> None:
    found = await _charged(service, ocmf({"TX": "B", "RV": 2000, **IMPORT}), ocmf({"TX": "E", "RV": 2005, **IMPORT}))
    assert (found.energy_wh, found.energy_basis, list(found.flags)) == (5000, ENERGY_BASIS_SIGNED_REGISTER, [])
