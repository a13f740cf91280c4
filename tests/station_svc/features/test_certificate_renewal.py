"""Renewal of certificates ahead of their end, and sockets that are closed because a certificate was revoked."""

from collections.abc import AsyncIterator
from functools import partial

import pytest
from csms.auth.v1.certificate_authority_service_pb2 import RevokedCertificate
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import certificate_pb2 as pb
from csms.station.v1 import command_service_pb2 as command_pb2

from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, to_timestamp
from station_svc.features.certificates.renewal import MOST_PER_TURN, end_due
from station_svc.features.certificates.revoked import OVERLAP_US
from tests.station_svc.certificate_rig import CHARGING_STATION, Rig, certificate_rig, failure
from tests.station_svc.conftest import StartSystem
from tests.station_svc.tls_attempts import by_certificate, over_tls
from tests.waiting import until

DAY_S = 24 * 3600
SIGN = command_pb2.MESSAGE_TRIGGER_SIGN_CHARGING_STATION_CERTIFICATE
SIGN_V2G = command_pb2.MESSAGE_TRIGGER_SIGN_V2G_CERTIFICATE
V2G = common_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE


@pytest.fixture
async def rig(start_system: StartSystem) -> AsyncIterator[Rig]:
    """A station_svc with its authority, whose certificates last for ninety days; and stations that take everything."""
    async with certificate_rig(start_system) as rig:
        rig.authority.expire_s = rig.system.clock() // SECOND_US + 90 * DAY_S
        rig.system.gateway.behave = _accepting
        yield rig


async def _accepting(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
    if request.HasField("trigger_message"):
        accepted = command_pb2.TriggerMessageResponse(status=command_pb2.TRIGGER_MESSAGE_STATUS_ACCEPTED)
        return gateway_pb2.CallResponse(trigger_message=accepted)
    taken = pb.CertificateSignedResponse(status=pb.CERTIFICATE_SIGNED_STATUS_ACCEPTED)
    return gateway_pb2.CallResponse(certificate_signed=taken)


async def _certify(rig: Rig, station_id: str = "CP1", csr: str = "csr", use: int = CHARGING_STATION) -> None:
    """A station requests a certificate, and takes it."""
    epoch = await rig.booted(station_id)
    item = rig.item(station_id, epoch, csr)
    item.certificate_type = use
    await rig.ask(item)
    await rig.work()


async def _triggered(rig: Rig, days: float, *, limit: int = 500) -> list[tuple[str, int]]:
    """The stations that are asked for new requests once so many days have passed, and for which."""
    rig.system.gateway.calls.clear()
    rig.system.clock.advance(days * DAY_S)
    await rig.system.lease()
    due = partial(end_due, now_us=rig.system.clock(), limit=limit)
    await rig.system.database.write(due)
    await rig.work()
    return [
        (call.station_id, call.trigger_message.requested_message)
        for call in rig.system.gateway.calls
        if call.HasField("trigger_message")
    ]


async def test_a_station_is_asked_for_a_new_request_after_two_thirds(rig: Rig) -> None:
    """Once a day until it has the next certificate, whose two thirds are waited for then."""
    await _certify(rig)
    assert await _triggered(rig, 59.9) == []
    assert await _triggered(rig, 0.1) == [("CP1", SIGN)]
    assert await _triggered(rig, 0.9) == []
    assert await _triggered(rig, 0.1) == [("CP1", SIGN)]
    rig.authority.expire_s += 60 * DAY_S
    await _certify(rig, csr="another")
    assert await _triggered(rig, 29) == []
    assert await _triggered(rig, 30) == []
    assert await _triggered(rig, 2) == [("CP1", SIGN)]


async def test_a_certificate_towards_vehicles_is_renewed_by_its_own_message(rig: Rig) -> None:
    await _certify(rig, use=V2G)
    assert await _triggered(rig, 61) == [("CP1", SIGN_V2G)]


async def test_what_was_not_taken_or_has_ended_is_not_renewed(rig: Rig) -> None:
    await _certify(rig)
    assert await _triggered(rig, 91) == []
    assert await _triggered(rig, 1) == []

    async def refusing(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        refused = pb.CertificateSignedResponse(status=pb.CERTIFICATE_SIGNED_STATUS_REJECTED)
        return gateway_pb2.CallResponse(certificate_signed=refused)

    rig.authority.expire_s += 92 * DAY_S
    rig.system.gateway.behave = refusing
    await _certify(rig, "CP2")
    assert await _triggered(rig, 61) == []


async def test_a_station_that_is_not_connected_is_asked_when_it_comes(rig: Rig) -> None:
    epoch = await rig.booted("CP1")
    await rig.ask(rig.item("CP1", epoch, "csr"))
    await rig.work()
    await rig.system.close("CP1", epoch)
    assert await _triggered(rig, 61) == []
    await rig.booted("CP1")
    assert await _triggered(rig, 0.1) == [("CP1", SIGN)]


async def test_a_station_that_cannot_is_asked_again_the_next_day(rig: Rig) -> None:
    """Its answer ends the job: a CALLERROR is an answer, too."""
    await _certify(rig)
    outcomes: list[gateway_pb2.CallResponse | MeshError] = [
        failure("CALL_ERROR"),
        gateway_pb2.CallResponse(
            trigger_message=command_pb2.TriggerMessageResponse(
                status=command_pb2.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED
            )
        ),
    ]

    async def unable(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        outcome = outcomes.pop(0)
        if isinstance(outcome, MeshError):
            raise outcome
        return outcome

    rig.system.gateway.behave = unable
    assert [len(await _triggered(rig, days)) for days in (61, 0.5, 0.5)] == [1, 0, 1]
    assert outcomes == []


async def test_a_fleet_of_one_day_is_renewed_bit_by_bit(rig: Rig) -> None:
    for number in range(MOST_PER_TURN + 2):
        await _certify(rig, f"CP{number}")
    first = await _triggered(rig, 61)
    assert len(first) == MOST_PER_TURN
    second = await _triggered(rig, 0)
    assert len(second) == 2
    assert len(set(first + second)) == MOST_PER_TURN + 2


# Revoked certificates


OLD, NEW = "ab" * 32, "cd" * 32


def _revoked(station_id: str, revoke_us: int, fingerprint: str = OLD) -> RevokedCertificate:
    return RevokedCertificate(
        tenant_id="default", station_id=station_id, fingerprint=fingerprint, revoke_time=to_timestamp(revoke_us)
    )


async def _showing(rig: Rig, station_id: str, fingerprint: str) -> int:
    """The epoch of a connection that is opened with a certificate."""
    item = by_certificate(station_id, station_id, expire_us=rig.system.clock() + 90 * DAY_S * SECOND_US)
    item.tls.client_certificate.fingerprint = fingerprint
    [result] = await rig.system.attempt(item)
    assert not result.HasField("error"), result.error
    return result.epoch


async def test_the_socket_that_showed_a_certificate_which_was_revoked_is_closed(rig: Rig) -> None:
    """Sockets that were opened with other certificates stay, also those of the same station."""
    epoch, other = await _showing(rig, "CP1", OLD), await _showing(rig, "CP2", NEW)
    rig.system.clock.advance(10)
    await rig.system.lease()
    rig.authority.revoked = [_revoked(one, rig.system.clock()) for one in ("CP1", "CP2", "CP9")]
    rig.system.clock.advance(1)
    assert await rig.revocations.follow() == 1
    await until(lambda: rig.system.gateway.closed == [("CP1", epoch, 1008)])
    assert other not in [one[1] for one in rig.system.gateway.closed]


async def test_a_station_that_renewed_its_certificate_before_stays(rig: Rig) -> None:
    """Its connection of today stands on the new one; with that revoked too, it is closed."""
    await _showing(rig, "CP1", OLD)
    epoch = await _showing(rig, "CP1", NEW)
    rig.system.clock.advance(10)
    await rig.system.lease()
    rig.authority.revoked = [_revoked("CP1", rig.system.clock())]
    rig.system.clock.advance(1)
    assert await rig.revocations.follow() == 0
    rig.authority.revoked.append(_revoked("CP1", rig.system.clock(), NEW))
    rig.system.clock.advance(1)
    assert await rig.revocations.follow() == 1
    await until(lambda: ("CP1", epoch, 1008) in rig.system.gateway.closed)


async def test_a_socket_without_a_certificate_stays(rig: Rig) -> None:
    """A password proves its station, or nothing does: the certificate did not."""
    await rig.booted("CP1")
    [result] = await rig.system.attempt(over_tls("CP2"))
    assert not result.HasField("error"), result.error
    rig.system.clock.advance(10)
    await rig.system.lease()
    rig.authority.revoked = [_revoked("CP1", rig.system.clock()), _revoked("CP2", rig.system.clock())]
    rig.system.clock.advance(1)
    assert await rig.revocations.follow() == 0
    assert rig.system.gateway.closed == []


async def test_a_socket_that_is_recorded_after_the_revocation_is_closed(rig: Rig) -> None:
    """Its handshake was checked just before: the times of two processes do not decide."""
    rig.authority.revoked = [_revoked("CP1", rig.system.clock())]
    rig.system.clock.advance(1)
    epoch = await _showing(rig, "CP1", OLD)
    assert await rig.revocations.follow() == 1
    await until(lambda: rig.system.gateway.closed == [("CP1", epoch, 1008)])


async def test_a_station_that_is_away_is_left_alone(rig: Rig) -> None:
    epoch = await _showing(rig, "CP1", OLD)
    await rig.system.close("CP1", epoch)
    rig.authority.revoked = [_revoked("CP1", rig.system.clock() + 1)]
    assert await rig.revocations.follow() == 0
    assert rig.system.gateway.closed == []


async def test_revocations_that_were_missed_are_read_later(rig: Rig) -> None:
    """While auth_svc is unavailable nothing is closed, and nothing is lost: it is asked for the whole time."""
    await _showing(rig, "CP1", OLD)
    await rig.revocations.follow()
    looked_us = rig.system.clock()
    rig.authority.away = True
    with pytest.raises(MeshError, match="DATABASE_UNAVAILABLE"):
        await rig.revocations.follow()
    rig.system.clock.advance(3600)
    await rig.system.lease()
    rig.authority.away, rig.authority.revoked = False, [_revoked("CP1", looked_us + 5 * SECOND_US)]
    assert await rig.revocations.follow() == 1
    assert rig.authority.asked_after[-1] == to_timestamp(looked_us - OVERLAP_US)
