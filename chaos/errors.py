"""What stops a run that cannot be made; that a figure is off is a result, and no error."""


class ChaosError(Exception):
    """The run cannot go on; the text is one line for a person."""
