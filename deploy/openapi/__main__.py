"""Writes the OpenAPI document: `python -m deploy.openapi DESCRIPTOR_SET FILE` (a part of `make gen`).

The descriptor set has to have source info (protoc --include_source_info): comments are half of the document.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.openapi.contract import read_contract
from deploy.openapi.document import make_document

EX_USAGE = 2


def main(arguments: Sequence[str]) -> int:
    """Writes the document; returns the exit status."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m deploy.openapi DESCRIPTOR_SET FILE\n")
        return EX_USAGE
    descriptors, target = map(Path, arguments)
    document = make_document(read_contract(descriptors.read_bytes()))
    target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
