"""The stations of a run: half of them speak OCPP 2.0.1, and a share of them comes over TLS."""

import secrets
from collections.abc import Callable, Sequence
from random import Random

from chaos.entrance import BASIC, BY_CERTIFICATE, RSA_SUITES, Entrance
from chaos.layout import Layout
from chaos.ledger import Ledger
from chaos.operators import NewStation
from chaos.own_certificate import OwnCertificate
from chaos.station import Station
from station_kit.sockets import basic_credential
from station_kit.versions import VERSIONS

# Every third pair of stations over TLS has RSA and TLS 1.2 alone.
_OLD = 3


def make_fleet(
    layout: Layout, ledger: Ledger, *, count: int, encrypted: float, pace_s: float, random_of: Callable[[int], Random]
) -> tuple[Sequence[Station], Sequence[NewStation]]:
    """The stations, and those of them that the mesh has to know before they connect.

    `encrypted` is the share over TLS, from 0 to 1: by turns with a password (security profile 2) and with a
    certificate (profile 3). The others are of profile 0.
    """
    fleet: list[Station] = []
    known: list[NewStation] = []
    for n in range(count):
        station_id = f"CHAOS{n:03d}"
        entrance = Entrance(urls=layout.urls)
        if _is_chosen(n // 2, encrypted):
            entrance, new = _encrypted(layout, station_id, len(known) // 2)
            known.append(new)
        fleet.append(
            Station(
                station_id=station_id,
                version=VERSIONS["ocpp2.0.1" if n % 2 == 0 else "ocpp1.6"],
                entrance=entrance,
                ledger=ledger,
                random=random_of(n),
                pace_s=pace_s,
            )
        )
    return fleet, known


def _is_chosen(n: int, share: float) -> bool:
    """Chooses a share of numbers, evenly: half of them are 1, 3, 5 and so on."""
    return int((n + 1) * share) > int(n * share)


def _encrypted(layout: Layout, station_id: str, pair: int) -> tuple[Entrance, NewStation]:
    encryption = layout.encryption
    suites = RSA_SUITES if pair % _OLD == 0 else None
    roots = encryption.certificates.root
    profile = BASIC if pair % 2 == 0 else BY_CERTIFICATE
    if profile == BASIC:
        password = secrets.token_urlsafe(16)
        headers = basic_credential(station_id, password)
        entrance = Entrance(urls=encryption.urls, headers=headers, roots=roots, suites=suites)
        return entrance, NewStation(station_id=station_id, profile=BASIC, password=password)
    serial_number = f"SN-{station_id}"
    certificate = OwnCertificate(encryption.folder, serial_number, manufacturer=encryption.manufacturer)
    entrance = Entrance(urls=encryption.urls, roots=roots, suites=suites, certificate=certificate)
    return entrance, NewStation(station_id=station_id, profile=BY_CERTIFICATE, serial_number=serial_number)
