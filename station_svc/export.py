"""The tables of station_svc as a tenant's export has them."""

from mesh.tenant_export import ExportedTables
from station_svc.features.message_log.models import ORDER as MESSAGE_ORDER
from station_svc.models import metadata

EXPORTED = ExportedTables(
    metadata=metadata,
    left_out=("driver_erasure_progress", "outbox", "job"),
    orders={"message": MESSAGE_ORDER},
    secrets=("station.credential_salt", "station.credential_digest", "station.next_credentials", "command.salt"),
)
