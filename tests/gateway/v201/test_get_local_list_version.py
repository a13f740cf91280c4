"""GetLocalListVersion of 2.0.1."""

import pytest
from csms.station.v1 import local_list_pb2 as pb

from tests.gateway.v201 import helpers

NAME = "get_local_list_version"
COMMAND = pb.GetLocalListVersionRequest()


def test_calls() -> None:
    assert helpers.to_calls(NAME, COMMAND) == [{}]


@pytest.mark.parametrize(("number", "version"), [(0, 0), (7, 7), (7.0, 7), (-1, None), (2**40, 2**31 - 1)])
def test_answers(number: float, version: int | None) -> None:
    answer = helpers.to_answer(NAME, COMMAND, {"versionNumber": number})
    assert (answer.version_number if answer.HasField("version_number") else None) == version
