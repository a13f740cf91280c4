"""Checks the options of the contract, beside buf lint: `python -m deploy.contract_check` (a part of `make check`)."""

import sys

from mesh.contract.options import contract_faults
from mesh.contract.published import CONTRACT, contract_files


def main() -> int:
    """Prints each fault on standard error; returns the exit status."""
    faults = contract_faults(contract_files())
    for fault in faults:
        sys.stderr.write(f"{CONTRACT}: {fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
