"""Stations that operators add: the check of one, and a table of many as comma-separated values."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from mesh.contract.requests import check_text
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from station_svc.core.labels import check_labels
from station_svc.core.names import ID_RULE, is_new_station_id
from station_svc.core.profiles import PROFILES
from station_svc.core.site_store import storable_site
from station_svc.features.credentials.imported_passwords import check_password, store_hash

MOST_DISPLAY_NAME = 255
# Stations in one table. Each password takes some 20 ms to hash.
MOST_STATIONS = 1000

_COLUMNS = ("station_id", "display_name", "security_profile", "password", "password_hash", "site_id", "labels")


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    """A station to be added; without password and hash one is made for it."""

    station_id: str
    display_name: str = ""
    security_profile: int = 1
    password: str = field(default="", repr=False)
    password_hash: str = field(default="", repr=False)
    site_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a table: the station that it describes, or why it describes none."""

    number: int
    station_id: str
    newcomer: Newcomer | MeshError


def check_display_name(field: str, value: str) -> str:
    """The name. Raises MeshError INVALID_FIELD."""
    check_text(field, value, most=MOST_DISPLAY_NAME)
    return value


def check_profile(field: str, value: int) -> int:
    """The profile. Raises MeshError INVALID_FIELD."""
    if value not in PROFILES:
        raise invalid_field(field, f"one of {', '.join(map(str, PROFILES))} is needed")
    return value


def check(newcomer: Newcomer, *, password: str = "credential", password_hash: str = "credential_hash") -> None:  # noqa: S107 - names of fields
    """Raises MeshError INVALID_FIELD for what cannot be added; the latter two are what those fields are called."""
    if not is_new_station_id(newcomer.station_id):
        raise invalid_field("station_id", ID_RULE)
    check_display_name("display_name", newcomer.display_name)
    check_profile("security_profile", newcomer.security_profile)
    if newcomer.password and newcomer.password_hash:
        raise invalid_field(password_hash, f"is the hash of a {password}, which is given too: give one of them")
    if (newcomer.password or newcomer.password_hash) and not newcomer.security_profile:
        raise invalid_field("security_profile", "0 asks for no credential, and one is given")
    if newcomer.password:
        check_password(password, newcomer.password)
    if newcomer.password_hash:
        store_hash(password_hash, newcomer.password_hash)
    check_labels("labels", newcomer.labels)


def read_table(text: str) -> Sequence[Line]:
    """The stations of a table. Raises MeshError INVALID_FIELD where the text as a whole is none."""
    rows = _rows(text.removeprefix("\ufeff"))
    try:
        _number, heads = next(rows)
        columns = _columns(heads)
        lines = [_line(number, columns, values) for number, values in rows if any(values)]
    except StopIteration:
        raise invalid_field("csv", "a first line with the names of the columns is needed") from None
    except csv.Error as error:
        raise invalid_field("csv", f"is no table of comma-separated values: {error}") from error
    if len(lines) > MOST_STATIONS:
        raise invalid_field("csv", f"has {len(lines)} stations; {MOST_STATIONS} are the most: cut it into several")
    return list(_each_once(lines))


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    first = text.partition("\n")[0]
    # Spreadsheets of many countries write semicolons under this name.
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    for values in reader:
        yield number, values
        number = reader.line_num + 1


def _columns(heads: Sequence[str]) -> Sequence[str]:
    columns = [head.strip().lower() for head in heads]
    for column in columns:
        if column not in _COLUMNS:
            raise invalid_field("csv", f"has a column {column[:40]!r}; these are known: {', '.join(_COLUMNS)}")
    if "station_id" not in columns or len(set(columns)) < len(columns):
        raise invalid_field("csv", "a column station_id is needed, and each column only once")
    return columns


def _line(number: int, columns: Sequence[str], values: Sequence[str]) -> Line:
    named = dict(zip(columns, values, strict=False))
    station_id = named["station_id"].strip()
    try:
        if len(values) != len(columns):
            raise invalid_field("csv", f"the line has {len(values)} columns, and the first one {len(columns)}")
        newcomer = Newcomer(
            station_id=station_id,
            display_name=named.get("display_name", "").strip(),
            security_profile=_number(named.get("security_profile", "").strip() or "1"),
            password=named.get("password", ""),
            password_hash=named.get("password_hash", "").strip(),
            site_id=storable_site(named.get("site_id", "").strip()),
            labels=_labels(named.get("labels", "")),
        )
        check(newcomer, password="password", password_hash="password_hash")  # noqa: S106 - names of columns
    except MeshError as error:
        return Line(number=number, station_id=station_id, newcomer=error)
    return Line(number=number, station_id=station_id, newcomer=newcomer)


def _labels(text: str) -> dict[str, str]:
    """Labels of a line: `region=north fleet=taxis`."""
    found = [word.partition("=") for word in text.split()]
    if len({key for key, _equals, _value in found}) < len(found):
        raise invalid_field("labels", "has a key twice")
    return {key: value for key, _equals, value in found}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        raise invalid_field("security_profile", "a number is needed")
    return int(text)


def _each_once(lines: Sequence[Line]) -> Iterator[Line]:
    first: dict[str, int] = {}
    for line in lines:
        if isinstance(line.newcomer, Newcomer) and first.setdefault(line.station_id, line.number) != line.number:
            yield Line(number=line.number, station_id=line.station_id, newcomer=_twice(line, first))
        else:
            yield line


def _twice(line: Line, first: dict[str, int]) -> MeshError:
    return exists(line.station_id, f"line {first[line.station_id]} has station {line.station_id!r} too")


def exists(station_id: str, message: str = "") -> MeshError:
    """ALREADY_EXISTS, reason STATION_EXISTS: whichever tenant has one of that name."""
    return MeshError(
        grpc.StatusCode.ALREADY_EXISTS, Reason.STATION_EXISTS, message or f"there is a station {station_id!r} already"
    )
