"""Costs as OCPP writes them: JSON numbers. Pure."""

import re

# A double keeps decimal numbers of up to 15 digits: no digit of a cost is lost on its way.
_COST = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,3})?")


def cost_number(text: str) -> int | float | None:
    """The JSON number of a cost in decimal digits; None where the text is no cost."""
    if not _COST.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)
