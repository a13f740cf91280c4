"""The OpenAPI document as a whole."""

from typing import Any

from deploy.openapi.comments import description
from deploy.openapi.contract import Contract
from deploy.openapi.errors import error_schemas
from deploy.openapi.operations import TICKET, Operations
from deploy.openapi.schemas import Schemas
from mesh.identity.operator_access import API_KEY_HEADER
from mesh.identity.permissions import LEAST_ROLES, permission_name

Json = dict[str, Any]

TITLE = "ocpp-mesh"
TEXT = """\
The REST API of ocpp-mesh, a charging station management system. Each operation is an RPC of the gRPC contract \
(`x-grpc-method`), which serves gRPC and gRPC-web on the same port.

Log in (`POST /v1/auth:login`) and send the access token as `authorization: Bearer …`, or an API key as `x-api-key`. \
`x-permission` is the permission that a call needs, and `x-scope` the effect of a caller's scope.

Names of fields are in lowerCamelCase; requests may also have them as comments do, in snake_case. A field or a query \
parameter that the contract does not know is refused. An answer has all its fields but those that are absent on \
purpose. Whole numbers of 64 bits are texts. Lists are read page by page: send `nextPageToken` as `pageToken`, and \
leave all else as it was.

An error has the body of `Error`: `details[0].reason` is for programs and never changes its meaning, `message` is for \
people. What each reason means, and when the same request may succeed, is listed with the schema `Reason`.
"""


def make_document(contract: Contract) -> Json:
    """The document for the REST bindings of a contract."""
    schemas = Schemas(contract)
    operations = Operations(contract, schemas)
    paths = operations.paths()
    streamed = [schemas.of_answer(name) for name in ("csms.audit.v1.AuditEntry", "csms.event.v1.Event")]
    assert all(streamed)  # noqa: S101 - the answers that are streamed as text refer to them
    components = {**error_schemas(), **_ANY, **schemas.components}
    services = {method.service.short_name: method.service for method in contract.rest_methods}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": "v1",
            "summary": "REST for operators of charging stations",
            "description": TEXT,
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/", "description": "The front door that served this document."}],
        "tags": [{"name": name, "description": description(service.comment)} for name, service in services.items()],
        "security": [{"accessToken": []}, {"apiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": _security_schemes(),
            "responses": dict(sorted(operations.errors.components.items())),
            "schemas": dict(sorted(components.items())),
        },
        "x-permissions": {permission_name(number): role.name for number, role in LEAST_ROLES.items()},
    }


_ANY: Json = {
    "google.protobuf.Any": {
        "type": "object",
        "description": "A message of any type, with its fields beside `@type`.",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
        "additionalProperties": True,
    }
}


def _security_schemes() -> Json:
    return {
        "accessToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access token of `POST /v1/auth:login`, valid for some minutes.",
        },
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": API_KEY_HEADER,
            "description": "An API key of `POST /v1/apiKeys`, for programs.",
        },
        TICKET: {
            "type": "apiKey",
            "in": "query",
            "name": TICKET,
            "description": "A ticket of `POST /v1/events:createWatchTicket`, which opens one stream within a minute.",
        },
    }
