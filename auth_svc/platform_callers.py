"""The callers of methods that are about all tenants."""

import grpc

from mesh.contract.tenants import PLATFORM_TENANT
from mesh.identity.callers import current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError


def check_platform(subject: str) -> None:
    """Raises MeshError unless the caller is of the tenant `platform`, whatever role somebody was given elsewhere."""
    if current_caller().tenant_id != PLATFORM_TENANT:
        raise MeshError(
            grpc.StatusCode.PERMISSION_DENIED,
            Reason.ROLE_TOO_LOW,
            f"{subject}: a call by a platform administrator is needed",
        )
