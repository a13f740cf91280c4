"""The front door's certificates, kept up to date while the mesh runs."""

import asyncio
from pathlib import Path

from deploy.envoy_tls import EnvoyTls
from deploy.local.terminal import say
from mesh.runtime.startup_errors import SettingError

LOOK_EVERY_S = 2.0


class FrontDoorCertificates:
    """Writes certificates for Envoy again once their files have changed; Envoy takes them without a restart."""

    def __init__(self, tls: EnvoyTls, folder: Path) -> None:
        """`folder` has the configuration of Envoy, with the certificates as they are now."""
        self._tls = tls
        self._folder = folder
        self._stamps = self._look()

    async def run(self) -> None:
        """Looks at the files until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Looks once. A certificate that cannot be used is reported, and the former one stays."""
        stamps = self._look()
        if stamps == self._stamps:
            return
        self._stamps = stamps
        try:
            self._tls.write(self._folder)
        except (SettingError, OSError) as error:
            say(f"certificates not replaced, the former ones stay: {error}")

    def _look(self) -> tuple[tuple[int, ...], ...]:
        return tuple(one.stamp() for one in self._tls.files)
