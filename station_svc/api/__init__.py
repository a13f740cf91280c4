"""What operators ask of stations beside what a feature serves by itself: StationService and CommandService."""
