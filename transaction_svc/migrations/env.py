"""The environment in which Alembic migrates transaction_svc's schema."""

from mesh.database.migrate import run_environment
from transaction_svc.models import metadata

run_environment(metadata)
