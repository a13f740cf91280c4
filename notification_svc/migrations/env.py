"""Alembic runs this module to migrate the schema of notification_svc."""

from mesh.database.migrate import run_environment
from notification_svc.models import metadata

run_environment(metadata)
