"""Block D, local authorization lists. The names of the cases are known; the steps are our reading of D01 and D02."""

from collections.abc import Sequence
from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_ACCEPTED
from csms.station.v1 import local_list_pb2 as lists

from tests.certification.v201.station import ChargingStation

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL, DIFFERENTIAL = lists.LOCAL_LIST_UPDATE_TYPE_FULL, lists.LOCAL_LIST_UPDATE_TYPE_DIFFERENTIAL


async def _send(station: ChargingStation, version: int, kind: Any, entries: Sequence[Any]) -> Any:
    """SendLocalList, accepted by the station; returns the payload that it got."""
    action, payload, told = await station.told(
        "SendLocalList", {"status": "Accepted"}, version_number=version, update_type=kind, entries=entries
    )
    assert (action, told.status) == ("SendLocalList", lists.SEND_LOCAL_LIST_STATUS_ACCEPTED)
    return payload


def _entry(station: ChargingStation, *, accepted: bool = True) -> dict[str, Any]:
    info = {"id_token_info": {"status": AUTHORIZATION_STATUS_ACCEPTED}} if accepted else {}
    return {"id_token": {"id_token": station.tag, "type": "ISO14443"}, **info}


async def _version(station: ChargingStation, answer: int) -> Any:
    action, payload, told = await station.told("GetLocalListVersion", {"versionNumber": answer})
    assert (action, payload) == ("GetLocalListVersion", {})
    return told.version_number


async def test_tc_d_01_csms(station: ChargingStation) -> None:
    """A whole list, then its version."""
    assert await _send(station, 1, FULL, [_entry(station)]) == {
        "versionNumber": 1,
        "updateType": "Full",
        "localAuthorizationList": [
            {"idToken": {"idToken": station.tag, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
        ],
    }
    assert await _version(station, 1) == 1


async def test_tc_d_02_csms(station: ChargingStation) -> None:
    """A token is added to a list."""
    await _send(station, 1, FULL, [])
    payload = await _send(station, 2, DIFFERENTIAL, [_entry(station)])
    assert (payload["versionNumber"], payload["updateType"]) == (2, "Differential")
    assert payload["localAuthorizationList"][0]["idTokenInfo"] == {"status": "Accepted"}
    assert await _version(station, 2) == 2


async def test_tc_d_03_csms(station: ChargingStation) -> None:
    """A token is removed from a list: it has no idTokenInfo."""
    await _send(station, 1, FULL, [_entry(station)])
    payload = await _send(station, 2, DIFFERENTIAL, [_entry(station, accepted=False)])
    assert payload["localAuthorizationList"] == [{"idToken": {"idToken": station.tag, "type": "ISO14443"}}]


async def test_tc_d_04_csms(station: ChargingStation) -> None:
    """A list is emptied: no localAuthorizationList is sent."""
    await _send(station, 1, FULL, [_entry(station)])
    assert await _send(station, 2, FULL, []) == {"versionNumber": 2, "updateType": "Full"}


async def test_tc_d_08_csms(station: ChargingStation) -> None:
    """The version of a list."""
    assert await _version(station, 7) == 7


async def test_tc_d_09_csms(station: ChargingStation) -> None:
    """There is no list: version 0."""
    assert await _version(station, 0) == 0
