"""StationIngestService, for gateways."""
