"""What Alembic runs to migrate auth_svc's schema."""

from auth_svc.models import metadata
from mesh.migrate import run_environment

run_environment(metadata)
