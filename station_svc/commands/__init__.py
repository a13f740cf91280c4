"""Commands to stations: every command takes the same path."""
