"""ClearCache of 1.6."""

from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import ClearCacheRequest

from tests.gateway.v16 import helpers


def test_calls() -> None:
    """It says nothing more."""
    assert helpers.to_calls("clear_cache", ClearCacheRequest(station_id="CP1")) == [{}]


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer("clear_cache", ClearCacheRequest(), {"status": word}).status
        for word in helpers.answer_words("ClearCache")
    }
    assert told == {
        "Accepted": command_service_pb2.CLEAR_CACHE_STATUS_ACCEPTED,
        "Rejected": command_service_pb2.CLEAR_CACHE_STATUS_REJECTED,
    }
