"""Secrets in a station's answers, which are neither stored nor shown."""

from csms.station.v1 import command_service_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from mesh.runtime.masking import MASK, is_secret, mask_payload


def mask_answer(answer: Message) -> None:
    """Replaces the values of secrets in an answer, in place: operators see them no more than logs do."""
    if isinstance(answer, command_service_pb2.GetVariablesResponse | command_service_pb2.SetVariablesResponse):
        for result in answer.results:
            if result.variable.value and is_secret(result.variable.variable):
                result.variable.value = MASK
    elif isinstance(answer, command_service_pb2.SendCallResponse):
        payload = json_format.MessageToDict(answer.payload)
        masked = mask_payload(payload)
        if masked != payload:
            answer.payload.Clear()
            answer.payload.update(masked)
