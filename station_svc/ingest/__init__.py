"""What gateways report: StationIngestService."""
