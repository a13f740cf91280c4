"""Every method for operators has its own form, list or button in the dashboard, but for a few with their reasons."""

import re
from collections.abc import Iterator

from mesh.contract.published import contract_files
from mesh.contract.services import OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES
from tests.dashboard.npm import DASHBOARD

# These are made one by one from the descriptor of the service: capabilities/stations/Commands.tsx.
ALL_OF = {"CommandService": "CommandService.methods"}
EXCEPTIONS = {
    "csms.auth.v1.UserService/GetKeySet": "for programs that verify access tokens, such as Envoy",
    "csms.event.v1.EventService/CreateWatchTicket": "for programs without headers; the dashboard watches by gRPC-web",
    "csms.event.v1.EventService/StreamEvents": "likewise; /docs tries it",
}


def _methods() -> Iterator[tuple[str, str]]:
    """Services and methods for operators."""
    services = {name for names in (*OPERATOR_SERVICES.values(), *OPTIONAL_OPERATOR_SERVICES.values()) for name in names}
    for file in contract_files().file:
        for service in file.service:
            full_name = f"{file.package}.{service.name}"
            if full_name in services:
                yield from ((full_name, method.name) for method in service.method)


def _sources() -> str:
    """The TypeScript that is written by hand, without comments."""
    folders = ("api", "capabilities", "live", "shell")
    paths = [path for folder in folders for path in sorted((DASHBOARD / "src" / folder).rglob("*.ts*"))]
    text = "\n".join(path.read_text() for path in paths if ".test." not in path.name)
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)


def test_every_method_has_its_place_in_the_dashboard() -> None:
    sources = _sources()
    words = set(re.findall(r"\w+", sources))
    left_out = {
        f"{service}/{method}"
        for service, method in _methods()
        if ALL_OF.get(service.rpartition(".")[2], "\0") not in sources and method[0].lower() + method[1:] not in words
    }
    assert left_out == set(EXCEPTIONS)
    assert len(EXCEPTIONS) <= 10
