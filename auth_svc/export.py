"""The tables of auth_svc as a tenant's export has them."""

from auth_svc.models import metadata
from mesh.tenant_export import ExportedTables

EXPORTED = ExportedTables(
    metadata=metadata,
    left_out=("driver_erasure", "driver_erasure_progress", "session", "outbox", "tenant_erasure"),
    secrets=("user_account.password_hash", "api_key.secret_hash", "invitation.secret_hash"),
)
