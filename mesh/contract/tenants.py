"""Tenants: organizations whose data are apart from those of others, by their ids."""

import re

DEFAULT_TENANT = "default"
"""The tenant that every system has. A station's URL without a tenant, and a login without one, are its."""

PLATFORM_TENANT = "platform"
"""The realm of platform administrators. It has users, and neither stations nor any other data."""

ID_RULE = (
    "3 to 40 lower-case letters, digits and hyphens are needed, a letter first and no hyphen last; "
    "ocpp, default and platform are taken"
)

_ID = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
# The first segment of a station's URL. A tenant of this name could not be told from a doubled prefix (quirk 2).
_RESERVED = frozenset({"ocpp"})


def is_tenant_id(text: str) -> bool:
    """Whether a tenant may have this id. `.` is in none, so that ids can be parts of routing keys and event ids."""
    return _ID.fullmatch(text) is not None and text not in _RESERVED


def tenant_or_default(tenant_id: str) -> str:
    """The tenant of a message; an empty one is of a process of a release in which there was only one tenant."""
    return tenant_id or DEFAULT_TENANT


def own_name(tenant_id: str, name: str) -> str:
    """A name that has to differ between tenants, such as the key of a lock or of an event.

    Those of the default tenant are what they were when it was the only one: replicas of that release run beside these.
    """
    return name if tenant_id == DEFAULT_TENANT else f"{tenant_id}:{name}"


def host_name(host: str) -> str:
    """The name in a header Host, or in `:authority`: in lower case, without the port."""
    name, separator, port = host.rpartition(":")
    return (name if separator and port.isdigit() else host).rstrip(".").lower()
