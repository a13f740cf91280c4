"""Where a login came from: for people who look at the list of sign-ins."""

from typing import Any

from auth_svc.sessions import Source
from mesh.grpc.types import Context
from mesh.identity.sources import current_source

_MOST = 200


def source_of(context: Context) -> Source:
    """The program and the address behind a call."""
    metadata = {str(name): value for name, value in context.invocation_metadata() or ()}
    return Source(user_agent=_text(metadata.get("user-agent", "")), address=current_source().address)


def _text(value: Any) -> str:
    return "".join(letter for letter in str(value)[:_MOST] if letter.isprintable())
