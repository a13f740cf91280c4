"""The tree of sites that stations stand in."""
