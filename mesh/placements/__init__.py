"""Where stations stand: tables, conditions on lists, and the copy of station_svc's in other services."""
