"""The OpenAPI document: whole, valid, and true to the contract it is made from."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import grpc
import jsonschema_rs
import pytest
from google.api import annotations_pb2
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from deploy.openapi.errors import HTTP_STATUS
from deploy.openapi.examples import written
from deploy.openapi.http_bodies import HTTP_BODIES
from mesh.contract.options import access_of
from mesh.contract.published import contract_files
from mesh.contract.services import OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.runtime.error_reasons import Reason

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
SERVICES = [name for names in (OPERATOR_SERVICES | OPTIONAL_OPERATOR_SERVICES).values() for name in names]


@cache
def document() -> Json:
    found: Json = json.loads((resources.files("csms") / "openapi.json").read_text())
    return found


def operations() -> Iterator[tuple[str, str, Json]]:
    for path, item in document()["paths"].items():
        for verb, operation in item.items():
            yield verb, path, operation


def operation(operation_id: str) -> Json:
    return next(each for _verb, _path, each in operations() if each["operationId"] == operation_id)


def resolved(value: Json) -> Json:
    """A value of the document, past the references to it."""
    while "$ref" in value:
        found = document()
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """A validator with the document's components, which checks formats too."""
    return jsonschema_rs.Draft202012Validator(
        {**schema, "components": document()["components"]}, validate_formats=True, ignore_unknown_formats=True
    )


def bindings() -> Iterator[tuple[str, str, str, Any]]:
    """Each REST binding of the contract: method, verb and path."""
    for file in contract_files().file:
        for service in file.service:
            for method in service.method if f"{file.package}.{service.name}" in SERVICES else ():
                rule = method.options.Extensions[annotations_pb2.http]
                for one in (rule, *rule.additional_bindings):
                    if verb := one.WhichOneof("pattern"):
                        yield f"{file.package}.{service.name}/{method.name}", verb, getattr(one, verb), method


def test_it_is_valid_openapi_31() -> None:
    assert document()["openapi"].startswith("3.1")
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(document())] == []


def test_each_schema_is_a_valid_schema() -> None:
    for name in document()["components"]["schemas"]:
        validator({"$ref": f"#/components/schemas/{name}"})


def test_every_rest_binding_of_the_contract_is_in_the_document() -> None:
    stated = sorted((method, verb, path.count("{"), path.rpartition("}")[2]) for method, verb, path, _ in bindings())
    described = sorted(
        (each["x-grpc-method"], verb, path.count("{"), path.rpartition("}")[2]) for verb, path, each in operations()
    )
    assert described == stated
    assert len(stated) > 130


def test_operation_ids_are_unique_and_operations_described() -> None:
    ids = [each["operationId"] for _verb, _path, each in operations()]
    assert len(set(ids)) == len(ids)
    assert all(each["summary"] and each["description"] for _verb, _path, each in operations())
    tags = {tag["name"] for tag in document()["tags"]}
    assert {tag for _verb, _path, each in operations() for tag in each["tags"]} == tags


def test_parameters_of_a_path_are_those_of_the_operation() -> None:
    for _verb, path, each in operations():
        named = {part.partition("}")[0] for part in path.split("{")[1:]}
        assert {one["name"] for one in each.get("parameters", ()) if one["in"] == "path"} == named, path


def test_who_may_call_is_as_in_the_contract() -> None:
    access = access_of(contract_files(), SERVICES)
    for _verb, path, each in operations():
        rule = access["/" + each["x-grpc-method"]]
        if rule.WhichOneof("rule") == "permission":
            assert each["x-permission"] in document()["x-permissions"], path
            assert each["x-scope"]
            assert {"accessToken": []} in each["security"]
        else:
            assert each["x-public"], path


def test_core_errors_by_reason() -> None:
    start = operation("CommandService_RequestStartTransaction")["responses"]
    assert {"STATION_OFFLINE", "INVALID_FIELD"} <= reasons(start["400"])
    assert "NOT_IN_VERSION" in reasons(start["501"])
    assert {"STATION_NOT_FOUND", "UNKNOWN_PATH"} == reasons(start["404"])
    assert {"CALL_TIMEOUT", "NO_ANSWER_IN_TIME"} == reasons(start["504"])
    assert {"STATION_DISCONNECTED", "CALL_ERROR", "INVALID_ANSWER", "REQUEST_ID_REUSED"} == reasons(start["409"])
    assert "REQUEST_ID_REUSED" in reasons(operation("ReservationService_CreateReservation")["responses"]["409"])
    resume = operation("RolloutService_ResumeRollout")["responses"]
    assert "ROLLOUT_ENDED" in reasons(resume["400"])  # "as PauseRollout"
    added = operation("IdTokenService_AddSeenIdToken")["responses"]
    assert "ID_TOKEN_EXISTS" in reasons(added["409"])  # "those of CreateIdToken"
    rotated = operation("StationService_RotateCredential")["responses"]
    assert "CALL_TIMEOUT" in reasons(rotated["504"])
    assert "CALL_TIMEOUT" not in reasons(rotated["404"])


def reasons(response: Json) -> set[str]:
    """The reasons of an error response."""
    _, only = resolved(response)["content"]["application/json"]["schema"]["allOf"]
    return set(only["properties"]["details"]["contains"]["properties"]["reason"]["enum"])


def test_each_error_response_states_known_reasons() -> None:
    statuses = {str(status) for status in HTTP_STATUS.values()} | {"408", "413", "431"}
    for _verb, path, each in operations():
        for status, response in each["responses"].items():
            if status != "200":
                assert status in statuses
                assert reasons(response) <= set(Reason), path


def stated() -> Iterator[tuple[str, set[str]]]:
    """The reasons in the comment of each RPC, wherever they stand in it, read from the source."""
    for path in sorted((ROOT / "proto" / "csms").rglob("*_service.proto")):
        comment, service = "", ""
        for line in path.read_text().splitlines():
            if found := re.match(r"\s*//(.*)", line):
                comment += found[1]
                continue
            service = found[1] if (found := re.match(r"service (\w+)", line)) else service
            if found := re.match(r"\s*rpc (\w+)", line):
                words = set(re.findall(r"[A-Z][A-Z_]+", comment))
                shared = path.parent.parent.name.capitalize() if service == "DataExportService" else ""
                yield f"{shared}{service}_{found[1]}", words & {*Reason} - {code.name for code in grpc.StatusCode}
            comment = ""


def test_each_reason_that_a_comment_states_is_in_its_operation() -> None:
    by_comment = dict(stated())
    described = {
        each["operationId"]: {
            reason for status, response in each["responses"].items() if status != "200" for reason in reasons(response)
        }
        for *_, each in operations()
    }
    assert sum(len(words) for words in by_comment.values()) > 200
    lacking = {name: by_comment[name.removesuffix("_2")] - found for name, found in described.items()}
    assert {name: words for name, words in lacking.items() if words} == {}


def examples() -> Iterator[tuple[str, Json, Any]]:
    for _verb, path, each in operations():
        for parameter in each.get("parameters", ()):
            if "example" in parameter:
                yield f"{path} {parameter['name']}", parameter["schema"], parameter["example"]
        for content in (each.get("requestBody", {}), each["responses"]["200"]):
            for media in content.get("content", {}).values():
                yield f"{each['operationId']}", media["schema"], media["example"]


def test_each_example_fits_its_schema() -> None:
    faults = []
    for name, schema, example in examples():
        faults += [f"{name}: {error.message}" for error in validator(schema).iter_errors(example)]
    assert faults == []


def test_each_example_by_hand_is_of_a_method() -> None:
    methods = {method for method, *_ in bindings()}
    assert set(written()) <= methods
    assert len(written()) > 40


def test_each_method_with_a_body_of_another_form_is_described() -> None:
    streamed = {method for method, _verb, _path, proto in bindings() if proto.output_type == ".google.api.HttpBody"}
    assert set(HTTP_BODIES) == streamed


@pytest.mark.parametrize(
    ("name", "value", "is_valid"),
    [
        ("event.v1.Event", {"cursor": "17"}, False),  # all fields without presence are always there
        ("event.v1.Event", {"cursor": 17}, False),
        ("auth.v1.User", {"username": "a", "role": "ROLE_VIEWER", "tenantId": "t", "roleAssignments": []}, True),
        ("auth.v1.User", {"username": "a", "role": 1, "tenantId": "t", "roleAssignments": []}, False),
        ("auth.v1.RoleAssignmentInput", {"roleId": "VIEWER", "unknown": 1}, False),
        ("common.v1.IdTokenInput", {"idToken": "x" * 256}, False),
    ],
)
def test_schemas_are_as_the_transcoder_has_it(name: str, value: Json, *, is_valid: bool) -> None:
    assert validator({"$ref": f"#/components/schemas/{name}"}).is_valid(value) is is_valid


def test_fields_of_a_query_and_of_a_path_within_a_resource() -> None:
    update = operation("IdTokenService_UpdateIdToken")
    assert {(one["name"], one["in"]) for one in update["parameters"]} == {("idToken", "path"), ("updateMask", "query")}
    body = update["requestBody"]["content"]["application/json"]["schema"]
    assert "idToken" not in body.get("required", ())
    page = next(one for one in operation("StationService_ListStations")["parameters"] if one["name"] == "pageSize")
    assert page["schema"] == {"type": "integer", "format": "int32", "minimum": 0, "default": 50}


def test_lists_state_the_errors_of_their_parameters() -> None:
    lacking = [
        (each["operationId"], reason)
        for _verb, _path, each in operations()
        for name, reason in (("filter", "INVALID_FILTER"), ("pageToken", "INVALID_PAGE_TOKEN"))
        if any(one["name"] == name for one in each.get("parameters", ()))
        and reason not in reasons(each["responses"]["400"])
    ]
    assert lacking == []
