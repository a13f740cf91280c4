"""`python -m deploy.health HOST:PORT...`: exit status 0 where each of these serves, for containers' health checks."""

import asyncio
import sys
from collections.abc import Sequence

from deploy.probes import all_of, serves_grpc


def main(addresses: Sequence[str] | None = None) -> int:
    """Asks each address of the command line once; returns the exit status."""
    return 0 if asyncio.run(_ask(sys.argv[1:] if addresses is None else addresses)) else 1


async def _ask(addresses: Sequence[str]) -> bool:
    return await all_of(*(serves_grpc(address) for address in addresses))()


if __name__ == "__main__":
    sys.exit(main())
