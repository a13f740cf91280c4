"""OCPP itself, pure: frames, schemas, tolerances, words, and a table of translators for each version.

Nothing here does I/O, and nothing here knows the rest of the gateway; import-linter holds both.
"""
