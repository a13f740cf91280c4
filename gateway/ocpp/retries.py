"""Retries and their interval, in several commands of every version."""

from typing import Any

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.translation import Payload


def retry_fields(command: Any) -> Payload:
    """`retries` and `retryInterval` of a command, where they are given. UnacceptableError for numbers below 0."""
    payload: Payload = {}
    if command.HasField("retries"):
        payload["retries"] = check_not_negative(command.retries, "retries")
    if command.HasField("retry_interval_s"):
        payload["retryInterval"] = check_not_negative(command.retry_interval_s, "retry_interval_s")
    return payload
