"""StationService and CommandService, for operators; features serve the other services."""
