"""The frames that stations sent and were sent."""
