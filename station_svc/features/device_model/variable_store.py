"""The SQL of stations' variables as operators read them."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.pages import Page
from station_svc.core.list_store import paged
from station_svc.core.models import variable
from station_svc.core.rows import to_row
from station_svc.core.station_rows import VariableRow
from station_svc.core.station_store import expect_station

# As the table's key has it, and the pages' tokens.
_KEY = (
    variable.c.component,
    variable.c.variable,
    variable.c.component_instance,
    variable.c.evse_id,
    variable.c.connector_id,
    variable.c.variable_instance,
    variable.c.attribute_type,
)


def list_variables(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[VariableRow]:
    """Variables by name; `page.after` is VariableRow.key. Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    query = sa.select(variable).where(variable.c.tenant_id == tenant_id, variable.c.station_id == station_id)
    return [to_row(VariableRow, row) for row in connection.execute(paged(query, page, *_KEY))]
