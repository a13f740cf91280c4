"""OCPP itself, pure: frames, schemas, tolerances, words, and a table of translators for each version.

It does no I/O, and imports nothing from the rest of the gateway; import-linter checks both.
"""
