"""Lists of the reservations, charging profiles and requests for certificates of all stations."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_TIMES = {"reservation": "create_us", "charging_profile": "create_us", "certificate_request": "receive_us"}


def upgrade() -> None:
    for table, time in _TIMES.items():
        op.create_index(f"{table}_list", table, ["tenant_id", time])


def downgrade() -> None:
    for table in _TIMES:
        op.drop_index(f"{table}_list", table)
