"""Local authorization lists of stations."""
