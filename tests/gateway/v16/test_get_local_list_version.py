"""GetLocalListVersion of 1.6."""

import pytest
from csms.station.v1.local_list_pb2 import GetLocalListVersionRequest

from tests.gateway.v16 import helpers

NAME = "get_local_list_version"


def test_call() -> None:
    """There is nothing to say."""
    assert helpers.to_calls(NAME, GetLocalListVersionRequest()) == [{}]


@pytest.mark.parametrize(
    ("told", "version"), [(0, 0), (7, 7), (2**31 - 1, 2**31 - 1), (2**40, 2**31 - 1), (-1, None), (-5, None)]
)
def test_answers(told: int, version: int | None) -> None:
    """-1 is a station that keeps no list; what is beyond 32 bits is the largest."""
    answer = helpers.to_answer(NAME, GetLocalListVersionRequest(), {"listVersion": told})
    assert (answer.version_number if answer.HasField("version_number") else None) == version
