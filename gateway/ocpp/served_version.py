"""An OCPP version that this gateway serves: its translators, and the schemas of its messages."""

from typing import NamedTuple

from gateway.ocpp.schemas import Schemas
from gateway.ocpp.translation import Routes


class ServedVersion(NamedTuple):
    """One version, whole."""

    routes: Routes
    schemas: Schemas
