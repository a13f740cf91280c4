"""Alembic runs this module to migrate the schema of auth_svc."""

from auth_svc.models import metadata
from mesh.database.migrate import run_environment

run_environment(metadata)
