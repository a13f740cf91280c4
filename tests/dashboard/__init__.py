"""The dashboard: as it is served, and in a browser against the whole mesh."""
