"""Errors that end a benchmark."""


class BenchmarkError(Exception):
    """The benchmark cannot be run, or has shown that something is wrong. Its text is one line for a person."""
