"""Errors that end the start of a process: one line on standard error, and exit status 78. Free of grpc."""


class SettingError(Exception):
    """A setting is missing or wrong. Its text is one line for the person who started the process."""


class ContractError(Exception):
    """The contract lacks an option, or has one that contradicts another. Its text is one line, for developers."""
