"""Signed meter records in OCMF (Open Charge Metering Format, S.A.F.E.): their readings and signatures. Pure.

Records in other formats (EDL, vendors' own) are stored with their event; the transparency software of the vendor reads
them.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from csms.common.v1.meter_value_pb2 import SignedMeterValue

from transaction_svc.event_record import BEGIN, BETWEEN, END, SIGNED, VERIFIED

_LONGEST = 64 * 1024
_MWH_PER_UNIT = {"kWh": 1_000_000, "Wh": 1_000}
_MOST_MWH = 10**18
# OCMF 1.0, table 7: B is a begin; E, L, R, A and P are ends; C, T, X and S are between.
_RANKS = {"B": BEGIN, **dict.fromkeys("ELRAP", END)}
# OBIS: 1.8.x is the import, B0 to B3 and 98.08 are the codes for one transaction; 2.8 and C0 to C3 are the export.
_IMPORT = re.compile(r"(?:^|[-:])(?:0?1\.0?8\.|0?1-[0-9A-Fa-f]{1,2}:(?:98\.0?8|0?1\.0?8|B[0-3])\.|B[0-3]\.)")
_ECDSA_SHA256 = re.compile(r"ECDSA-\w+-SHA256")


class SignedReading(NamedTuple):
    """One reading of a signed record."""

    rank: int | None  # None where the record has none: the message decides
    proof: int
    mwh: int


def read_signed_readings(signed: SignedMeterValue, *, verify: bool = True) -> Sequence[SignedReading]:
    """The import readings of a signed record; none where it is not OCMF.

    To verify a signature costs a tenth of a millisecond. Without `verify` the readings count as signed, not verified.
    """
    text = _as_ocmf(signed.signed_meter_data)
    if text is None:
        return ()
    payload, signature = _split(text)
    try:
        readings = _readings(msgspec.json.decode(payload)["RD"])
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError, InvalidOperation):
        return ()
    proof = VERIFIED if verify and _is_verified(payload, signature, signed.public_key) else SIGNED
    return [SignedReading(rank, proof, mwh) for rank, mwh in readings]


def _as_ocmf(data: str) -> str | None:
    """The record as text: stations send it as it is, in base64 or in hexadecimal."""
    if len(data) > _LONGEST:
        return None
    if data.startswith("OCMF|"):
        return data
    for decode in (base64.b64decode, binascii.unhexlify):
        try:
            text = decode(data).decode()
        except (ValueError, UnicodeDecodeError):
            continue
        if text.startswith("OCMF|"):
            return text
    return None


def _split(text: str) -> tuple[str, str]:
    """Payload and signature: `OCMF|{payload}|{signature}`. The payload may contain a bar."""
    body = text.removeprefix("OCMF|")
    payload, _bar, signature = body.rpartition("|")
    return (payload, signature) if payload else (body, "")


def _readings(entries: Sequence[dict[str, Any]]) -> Sequence[tuple[int | None, int]]:
    """Ranks and energies of the import readings. A field that an entry omits is that of the entry before."""
    shared: dict[str, Any] = {}
    found: list[tuple[int | None, int]] = []
    for entry in entries:
        shared = {**shared, **{name: entry[name] for name in ("RI", "RU", "ST") if name in entry}}
        scale = _MWH_PER_UNIT.get(shared.get("RU", "kWh"))
        if scale is None or shared.get("ST", "G") != "G" or not _IMPORT.search(str(shared.get("RI", "1.8.0"))):
            continue
        mwh = Decimal(str(entry["RV"])) * scale
        if not 0 <= mwh <= _MOST_MWH:
            raise ValueError("no register stands so high")
        transaction = entry.get("TX")
        found.append((_RANKS.get(transaction, BETWEEN) if transaction else None, int(mwh)))
    return found


@lru_cache(maxsize=1024)
def _is_verified(payload: str, signature: str, public_key: str) -> bool:
    """Whether the signature fits the key in the message. Cached, since stations repeat records."""
    try:
        block = msgspec.json.decode(signature or "{}")
        if not _ECDSA_SHA256.fullmatch(block.get("SA", "ECDSA-secp256r1-SHA256")):
            return False
        data = block["SD"]
        proof = base64.b64decode(data) if block.get("SE") == "base64" else binascii.unhexlify(data)
        key = load_der_public_key(_key_bytes(public_key))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(proof, payload.encode(), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def _key_bytes(text: str) -> bytes:
    """A public key in DER, from OCPP's `oca:base16:asn1:…` or `oca:base64:asn1:…`, in base64 or not; or without it."""
    key = text.strip()
    try:
        inner = base64.b64decode(key, validate=True).decode()
        key = inner if inner.startswith("oca:") else key
    except (ValueError, UnicodeDecodeError):
        pass
    _scheme, colon, rest = key.partition(":asn1:")
    bare = rest if colon else key
    try:
        return binascii.unhexlify(bare)
    except ValueError:
        return base64.b64decode(bare, validate=True)
