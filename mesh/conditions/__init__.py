"""Conditions that need a person: their kinds and names, and how a service finds those of its own database."""
