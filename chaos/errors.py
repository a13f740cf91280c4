"""Errors that stop a run which cannot be made; a figure that is off is a result, and no error."""


class ChaosError(Exception):
    """The run cannot go on; the text is one line for a person."""
