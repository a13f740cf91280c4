"""The OpenAPI document of the REST API, made from the contract: see docs/adr/0033-openapi-and-server-sent-events.md."""
