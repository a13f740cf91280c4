"""Local authorization lists."""

from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import AUTHORIZATION_STATUS_ACCEPTED
from csms.station.v1 import local_list_pb2 as lists

from tests.certification.v16.charge_point import ChargePoint

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL, DIFFERENTIAL = lists.LOCAL_LIST_UPDATE_TYPE_FULL, lists.LOCAL_LIST_UPDATE_TYPE_DIFFERENTIAL


async def _version(charge_point: ChargePoint, answer: int) -> Any:
    action, payload, told = await charge_point.told("GetLocalListVersion", {"listVersion": answer})
    assert (action, payload) == ("GetLocalListVersion", {})
    return told


async def _send(charge_point: ChargePoint, version: int, kind: Any, answer: str) -> int:
    entries = [{"id_token": {"id_token": charge_point.tag}, "id_token_info": {"status": AUTHORIZATION_STATUS_ACCEPTED}}]
    action, payload, told = await charge_point.told(
        "SendLocalList", {"status": answer}, version_number=version, update_type=kind, entries=entries
    )
    assert action == "SendLocalList"
    assert payload == {
        "listVersion": version,
        "updateType": "Full" if kind == FULL else "Differential",
        "localAuthorizationList": [{"idTag": charge_point.tag, "idTagInfo": {"status": "Accepted"}}],
    }
    status: int = told.status
    return status


async def test_tc_042_1_csms(charge_point: ChargePoint) -> None:
    """The charge point keeps no list: -1, which no version is."""
    assert not (await _version(charge_point, -1)).HasField("version_number")


async def test_tc_042_2_csms(charge_point: ChargePoint) -> None:
    """The list is empty."""
    assert (await _version(charge_point, 0)).version_number == 0


async def test_tc_043_1_csms(charge_point: ChargePoint) -> None:
    """A list for a charge point that keeps none."""
    assert await _send(charge_point, 1, FULL, "NotSupported") == lists.SEND_LOCAL_LIST_STATUS_NOT_SUPPORTED


async def test_tc_043_3_csms(charge_point: ChargePoint) -> None:
    """A list that the charge point could not take; its version stays."""
    assert await _send(charge_point, 1, FULL, "Failed") == lists.SEND_LOCAL_LIST_STATUS_FAILED
    assert (await _version(charge_point, 0)).version_number == 0


async def test_tc_043_4_csms(charge_point: ChargePoint) -> None:
    """A whole list."""
    assert (await _version(charge_point, 0)).version_number == 0
    assert await _send(charge_point, 1, FULL, "Accepted") == lists.SEND_LOCAL_LIST_STATUS_ACCEPTED
    assert (await _version(charge_point, 1)).version_number == 1


async def test_tc_043_5_csms(charge_point: ChargePoint) -> None:
    """Changes of a list, under a higher version."""
    assert await _send(charge_point, 1, FULL, "Accepted") == lists.SEND_LOCAL_LIST_STATUS_ACCEPTED
    assert (await _version(charge_point, 1)).version_number == 1
    assert await _send(charge_point, 2, DIFFERENTIAL, "Accepted") == lists.SEND_LOCAL_LIST_STATUS_ACCEPTED
    assert (await _version(charge_point, 2)).version_number == 2
