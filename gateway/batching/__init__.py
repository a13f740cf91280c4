"""Calls into the mesh in batches: items whose results are waited for, and what leaves in the background."""
