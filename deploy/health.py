"""`python -m deploy.health HOST:PORT...`: exit status 0 where each of these serves, for containers' health checks."""

import asyncio
import sys
from collections.abc import Sequence

from deploy.probes import all_of, serves_grpc


def main(addresses: Sequence[str]) -> int:
    """Asks each address once."""
    return 0 if asyncio.run(_ask(addresses)) else 1


async def _ask(addresses: Sequence[str]) -> bool:
    return await all_of(*(serves_grpc(address) for address in addresses))()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
