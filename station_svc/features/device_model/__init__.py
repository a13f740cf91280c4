"""Variables of stations."""
