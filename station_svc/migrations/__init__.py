"""The history of station_svc's schema."""
