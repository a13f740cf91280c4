"""Where a login came from, as the call itself says: for people who look at the list of sign-ins."""

from typing import Any

from auth_svc.sessions import Source
from mesh.grpc.types import Context

_MOST = 200


def source_of(context: Context) -> Source:
    """The program and the address behind a call. The front door appends the address; nothing depends on either."""
    metadata = {str(name): value for name, value in context.invocation_metadata() or ()}
    addresses = _text(metadata.get("x-forwarded-for", "")).split(",")
    return Source(user_agent=_text(metadata.get("user-agent", "")), address=addresses[-1].strip())


def _text(value: Any) -> str:
    return "".join(letter for letter in str(value)[:_MOST] if letter.isprintable())
