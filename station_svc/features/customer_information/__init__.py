"""Data of stations about drivers: reported and cleared."""
