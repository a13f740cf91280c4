"""Rows of a fleet, made from the rows that real stations have left: each copy has names and times of its own. Pure."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from transaction_svc.idempotency_keys import name_hash

Row = dict[str, Any]

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
SITES = 40
# Of a hundred stations this many are connected, and this many of them have a session that goes on.
CONNECTED, CHARGING = 90, 20
FIRST_EPOCH = 1_000_000
FIRST_NUMBER = 10_000_000
# Sessions of one station begin this far from each other.
_BETWEEN_US = 5 * HOUR_US
# Microseconds since 1970 have sixteen digits from 2001 to 2286; no other number of a stored form has as many.
_TIME = re.compile(r"(?<!\d)(\d{16})(?!\d)")
# Words of OCPP 1.6 for the states of a connector, with the contract's number.
_STATUSES = ((1, "Available"), (1, "Available"), (2, "Charging"), (2, "Finishing"), (4, "Unavailable"), (5, "Faulted"))


@dataclass(frozen=True, kw_only=True)
class Template:
    """A transaction that a real station had, with its events; `row` is of the table tx."""

    row: Row
    events: Sequence[Row]


def station_id(number: int) -> str:
    """The name of a station of the fleet."""
    return f"SOAK{number:05d}"


def is_connected(number: int) -> bool:
    """Whether the station is connected."""
    return number % 100 < CONNECTED


def is_charging(number: int) -> bool:
    """Whether the station has a session that goes on."""
    return number % 100 < CHARGING


def moved(text: str, by_us: int) -> str:
    """A stored form with all of its times moved."""
    return _TIME.sub(lambda found: str(int(found[0]) + by_us), text)


def moved_event(encoded: str, by_us: int) -> str:
    """A serialized event in base64 with all of its times moved."""
    event = TransactionEvent.FromString(base64.b64decode(encoded))
    _move(event, by_us)
    return base64.b64encode(event.SerializeToString()).decode()


def _move(message: Message, by_us: int) -> None:
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Timestamp):
                one.FromMicroseconds(one.ToMicroseconds() + by_us)
            elif isinstance(one, Message):
                _move(one, by_us)


def stations(template: Row, count: int) -> Iterator[Row]:
    """Rows of station."""
    for number in range(count):
        yield {
            **template,
            "station_id": station_id(number),
            "display_name": f"Station {number}" if number % 3 else "",
            "latest_epoch": FIRST_EPOCH + number,
            "boot_epoch": FIRST_EPOCH + number,
        }


def connections(template: Row, count: int, now_us: int) -> Iterator[Row]:
    """Rows of connection, on the node of the template."""
    for number in range(count):
        end_us = None if is_connected(number) else now_us - (number % 48 + 1) * HOUR_US
        yield {
            **template,
            "epoch": FIRST_EPOCH + number,
            "station_id": station_id(number),
            "connect_us": now_us - 3 * DAY_US,
            "disconnect_us": end_us,
            "opening_id": f"soak-{number}",
        }


def sightings(count: int, tenant_id: str, now_us: int) -> Iterator[Row]:
    """Rows of sighting."""
    for number in range(count):
        yield {"tenant_id": tenant_id, "station_id": station_id(number), "seen_us": now_us - number * 1_000_000}


def connectors(template: Row, count: int) -> Iterator[Row]:
    """Rows of connector, two of each station."""
    for number in range(count):
        for place in (1, 2):
            status, word = _STATUSES[(number + place) % len(_STATUSES)]
            yield {
                **template,
                "station_id": station_id(number),
                "evse_id": place,
                "connector_id": 1,
                "status": status,
                "reported_status": word,
                "epoch": FIRST_EPOCH + number,
                "changed_epoch": FIRST_EPOCH + number,
            }


def sites(tenant_id: str, now_us: int) -> Iterator[Row]:
    """Rows of site: regions, each with its places, which have coordinates."""
    for number in range(SITES):
        region = number // 8 * 8
        own, above = f"site-{number}", f"site-{region}"
        is_region = number == region
        yield {
            "tenant_id": tenant_id,
            "site_id": own,
            "parent_site_id": "" if is_region else above,
            "path": f"/{own}/" if is_region else f"/{above}/{own}/",
            "kind": "region" if is_region else "site",
            "display_name": f"{'Region' if is_region else 'Place'} {number}",
            "time_zone": "Europe/Berlin",
            "latitude": None if is_region else 47.6 + number * 0.17,
            "longitude": None if is_region else 6.5 + (number * 7 % SITES) * 0.2,
            "address": "",
            "contact": "",
            "opening_periods": "",
            "create_us": now_us,
            "update_us": now_us,
        }


def placements(count: int, tenant_id: str, version: int) -> Iterator[Row]:
    """Rows of station_placement, one version each."""
    for number in range(count):
        site = number % SITES
        above = site // 8 * 8
        path = f"/site-{site}/" if site == above else f"/site-{above}/site-{site}/"
        yield {
            "tenant_id": tenant_id,
            "station_id": station_id(number),
            "site_id": f"site-{site}",
            "path": path,
            "time_zone": "Europe/Berlin",
            "version": version + number + 1,
            "labels": "",
        }


def groups(count: int, tenant_id: str) -> Iterator[Row]:
    """Rows of station_group: the sites above each station."""
    for number in range(count):
        site = number % SITES
        for value in {site, site // 8 * 8}:
            yield {
                "tenant_id": tenant_id,
                "label": "",
                "value": f"site-{value}",
                "station_id": station_id(number),
            }


def transactions(template: Template, stations_: int, count: int, now_us: int) -> Iterator[Row]:
    """Rows of tx that have ended; the first ones are the newest of their stations."""
    tenant_id = template.row["tenant_id"]
    hashes = [name_hash(tenant_id, station_id(number)) for number in range(stations_)]
    evses = [name_hash(tenant_id, station_id(number), str(template.row["evse_id"])) for number in range(stations_)]
    for index in range(count):
        number = index % stations_
        by_us = _begin_us(index, stations_, now_us) - template.row["begin_us"]
        yield {
            **_moved_row(template.row, index, number, by_us),
            "station_hash": hashes[number],
            "evse_hash": evses[number],
        }


def open_transactions(template: Template, stations_: int, count: int, now_us: int) -> Iterator[Row]:
    """Rows of tx that go on, numbered after those that have ended."""
    tenant_id = template.row["tenant_id"]
    for number in range(stations_):
        if is_charging(number):
            by_us = now_us - (number % 90 + 2) * 60_000_000 - template.row["begin_us"]
            name, evse = station_id(number), str(template.row["evse_id"])
            yield {
                **_moved_row(template.row, count + number, number, by_us),
                "token_key": f"soak-{number}",
                "station_hash": name_hash(tenant_id, name),
                "evse_hash": name_hash(tenant_id, name, evse),
            }


def events(template: Template, stations_: int, count: int, now_us: int) -> Iterator[Row]:
    """Rows of tx_event, of the newest `count` transactions."""
    tenant_id = template.row["tenant_id"]
    for index in range(count):
        name, transaction_id = station_id(index % stations_), str(FIRST_NUMBER + index)
        by_us = _begin_us(index, stations_, now_us) - template.row["begin_us"]
        for event in template.events:
            yield {
                **event,
                "station_id": name,
                "content_key": f"{event['content_key']}-{index}",
                "transaction_id": transaction_id,
                "tx_hash": name_hash(tenant_id, name, transaction_id),
                "fact": moved(event["fact"], by_us),
                "event": moved_event(event["event"], by_us),
                "receive_us": event["receive_us"] + by_us,
            }


def rollups(templates: Sequence[Row], days: int) -> Iterator[Row]:
    """Rows of rollup: the sums of the tenant, for the days before those of the templates."""
    for row in templates:
        for before in range(1, days + 1):
            yield {**row, "day": row["day"] - before}


def _begin_us(index: int, stations_: int, now_us: int) -> int:
    """The begin of an ended transaction: one station's come one after another, those of stations beside each other."""
    turn, number = divmod(index, stations_)
    return now_us - 3 * HOUR_US - turn * _BETWEEN_US - number % 3600 * 1_000_000


def _moved_row(row: Mapping[str, Any], index: int, number: int, by_us: int) -> Row:
    times = ("begin_us", "start_us", "end_us", "create_us", "update_us")
    return {
        **row,
        **{name: row[name] and row[name] + by_us for name in times},
        "station_id": station_id(number),
        "transaction_id": str(FIRST_NUMBER + index),
        "fold": moved(row["fold"], by_us),
        "thinned": True,
        "rollup_due": False,
    }
