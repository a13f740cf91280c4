"""The way down to stations: every command takes the same."""
