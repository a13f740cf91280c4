"""Labels of stations and sites, as callers give them."""

from collections.abc import Mapping

from mesh.contract.requests import check_text
from mesh.placements.conditions import MOST_LABEL_VALUE, MOST_LABELS, is_label
from mesh.runtime.errors import invalid_field


def check_labels(field: str, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels. Raises MeshError INVALID_FIELD."""
    if len(labels) > MOST_LABELS:
        raise invalid_field(field, f"{MOST_LABELS} are the most")
    for key, value in labels.items():
        if not is_label(key):
            raise invalid_field(field, f"{key[:70]!r} is no key: 1 to 63 of a-z, 0-9, - _ . are needed, a letter first")
        check_text(f"{field}.{key}", value, least=1, most=MOST_LABEL_VALUE)
    return dict(labels)
