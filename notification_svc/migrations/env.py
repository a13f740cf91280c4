"""What Alembic runs to migrate notification_svc's schema."""

from mesh.migrate import run_environment
from notification_svc.models import metadata

run_environment(metadata)
