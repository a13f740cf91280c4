"""Rotations of certificates in mid-run: the server's are replaced on disk, and stations renew theirs.

Every other rotation falls among the kills. The ones between wait until the mesh is whole, and nothing is killed before
each door serves the new certificates: then no handshake may fail, and no socket may end but by its station's doing.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from csms.station.v1.station_pb2 import ConnectionTls

from chaos.errors import ChaosError
from chaos.layout import Encryption
from chaos.ledger import Figure
from chaos.server_certificates import Door, sides
from chaos.station import Station

# Until each door serves a new certificate: gateways look every 2 s. A part that was killed has to be back first.
SERVED_S = 15.0
SERVED_AMONG_KILLS_S = 120.0
# Until the mesh is whole again before a rotation that no kill is near: for a while no station was cut off, so that no
# kill of before has a consequence left, such as a lease that runs out. Stations' own networks fail all the time.
WHOLE_S = 120.0
CALM_S = 3.0
ASK_AGAIN_S = 0.25
# How long sockets are looked at after each door serves the new certificate.
AFTERWARDS_S = 2.0


@dataclass(kw_only=True)
class Found:
    """The results of rotations."""

    rotations: int = 0
    handshakes: int = 0  # while nothing was killed
    failed: list[str] = field(default_factory=list)
    served: int = 0  # doors that served a new certificate, for each type of key
    not_served: list[str] = field(default_factory=list)
    sockets: int = 0  # that were open when the server's certificates were replaced, and no kill was near
    dropped: list[str] = field(default_factory=list)
    lived_on: int = 0  # of the sockets; their stations ended the others, if they were not dropped


class Rotations:
    """Rotates `count` times during so many kills: hand `before_kill` to the killer, then call `finish`."""

    def __init__(
        self,
        *,
        encryption: Encryption,
        fleet: Sequence[Station],
        count: int,
        kills: int,
        whole: Callable[[], Awaitable[None]],
    ) -> None:
        """`whole` waits until every part is ready."""
        self._encryption = encryption
        self._fleet = [station for station in fleet if station.entrance.roots]
        self._renewing = [station for station in self._fleet if station.entrance.certificate is not None]
        self._due = {kills * (n + 1) // (count + 1) for n in range(count)}
        self._whole = whole
        self._found = Found()
        self._among_kills: list[asyncio.Task[None]] = []

    async def before_kill(self, number: int) -> None:
        """Rotates where that is due."""
        if number not in self._due:
            return
        self._found.rotations += 1
        if self._found.rotations % 2:
            await self._replace()
            self._among_kills.append(asyncio.create_task(self._see_served(SERVED_AMONG_KILLS_S, is_calm=False)))
        else:
            await self._rotate_calmly()

    async def finish(self) -> Found:
        """The results, once every part is ready again."""
        await asyncio.gather(*self._among_kills)
        return self._found

    async def _replace(self) -> None:
        """Replaces the server's certificates, and has every other station renew its own."""
        await asyncio.to_thread(self._encryption.certificates.renew)
        for station in self._renewing[self._found.rotations % 2 :: 2]:
            station.renew_certificate()

    async def _rotate_calmly(self) -> None:
        await self._wait_until_calm()
        before = {station: (station.opened, station.lost) for station in self._fleet if station.connected}
        await self._replace()
        await self._see_served(SERVED_S, is_calm=True)
        await asyncio.sleep(AFTERWARDS_S)
        self._found.sockets += len(before)
        for station, (opened, lost) in before.items():
            if station.lost != lost:
                name = station.station_id
                self._found.dropped.append(f"{name}: its socket ended at rotation {self._found.rotations}")
            self._found.lived_on += station.connected and station.opened == opened

    async def _wait_until_calm(self) -> None:
        await self._whole()
        deadline_s = time.monotonic() + WHOLE_S
        calm_s, lost = time.monotonic() + CALM_S, -1
        while time.monotonic() < calm_s:
            now_lost = sum(station.lost for station in self._fleet)
            if now_lost != lost or any(station.cut_off for station in self._fleet):
                calm_s, lost = time.monotonic() + CALM_S, now_lost
            if calm_s > deadline_s:
                missing = [station.station_id for station in self._fleet if station.cut_off]
                raise ChaosError(f"no calm before a rotation; away: {', '.join(missing) or 'none'}")
            await asyncio.sleep(ASK_AGAIN_S)

    async def _see_served(self, within_s: float, *, is_calm: bool) -> None:
        """Waits until every door serves these certificates, or later ones, for each type of key."""
        wanted, deadline_s = self._encryption.certificates.generation, time.monotonic() + within_s
        waiting = sides(self._encryption.doors)
        while waiting and time.monotonic() < deadline_s:
            seen = await asyncio.gather(*(self._seen(*side, is_calm=is_calm) for side in waiting))
            left = [side for side, generation in zip(waiting, seen, strict=True) if generation < wanted]
            self._found.served += len(waiting) - len(left)
            waiting = left
            await asyncio.sleep(ASK_AGAIN_S)
        self._found.not_served += [f"{door.name} ({key_type}): not number {wanted}" for door, key_type in waiting]

    async def _seen(self, door: Door, key_type: str, *, is_calm: bool) -> int:
        """The number of the certificate that a handshake sees; 0 where there is no handshake."""
        self._found.handshakes += is_calm
        try:
            return await self._encryption.certificates.served(door, key_type)
        except OSError as error:
            if is_calm:
                self._found.failed.append(f"{door.name} ({key_type}): {error}")
            return 0


def rotation_figures(found: Found, doors: Sequence[Door]) -> list[Figure]:
    """The results for the ledger."""
    told = found.rotations * len(sides(doors))
    return [
        Figure(name="certificates served", told=told, found=found.served, faults=found.not_served),
        Figure(
            name="handshakes at rotations",
            told=found.handshakes,
            found=found.handshakes - len(found.failed),
            faults=found.failed,
        ),
        Figure(
            name="sockets at rotations",
            told=found.sockets,
            found=found.sockets - len(found.dropped),
            faults=found.dropped,
        ),
    ]


def proofs(fleet: Sequence[Station], seen: Mapping[str, ConnectionTls]) -> list[Figure]:
    """Whether operators see TLS of the stations that have it and of no others, and their newest certificates."""
    encrypted = {station.station_id: station for station in fleet if station.entrance.roots}
    wrong = [f"{name} has {'no ' * (name in encrypted)}TLS" for name in sorted(encrypted.keys() ^ seen.keys())]
    own = {name: one.entrance.certificate.fingerprint for name, one in encrypted.items() if one.entrance.certificate}
    shown = {name: seen[name].client_certificate.fingerprint for name in own if name in seen}
    former = [f"{name} showed {shown.get(name)}, and has {own[name]}" for name in own if shown.get(name) != own[name]]
    return [
        Figure(name="over TLS", told=len(encrypted), found=len(seen), faults=wrong),
        Figure(name="newest certificates", told=len(own), found=len(own) - len(former), faults=former),
    ]
