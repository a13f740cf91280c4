"""Security events that stations report."""
