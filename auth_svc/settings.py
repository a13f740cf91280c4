"""Settings of auth_svc beside those of every service."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from auth_svc.authority import Authority, read_bundle, read_files
from auth_svc.authorization_servicer import ConcurrencyRule
from auth_svc.certificate_office import MOST_PER_DAY, CertificateRules
from auth_svc.certificate_statuses import OcspRules
from auth_svc.ev_certificates import EvCertificateProvider, HttpProvider, NoProvider
from auth_svc.id_token_store import MOST_CONCURRENT_TRANSACTIONS
from auth_svc.key_encryption import SETTING, KeyRing, read_keys
from auth_svc.normalization import MAX_PASSWORD, MIN_PASSWORD
from auth_svc.outbound_http import HttpRules, UrlError, check_url
from auth_svc.outside_revocations import ClientRules, RevocationRule
from auth_svc.sessions import ACCESS_TOKEN_S
from auth_svc.v2g_signing import HttpV2gSigner, NoV2gSigner, V2gSigner
from mesh.events import outbox
from mesh.identity.key_files import read_secret_file
from mesh.runtime.settings import Environment, MeshSettings, is_loopback
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import now_us

# A retention beyond this is as good as for ever.
_MOST_DAYS = 36_500


@dataclass(frozen=True, kw_only=True)
class AuthSettings:
    """The settings of auth_svc's own."""

    accept_unknown_tokens: bool
    open_registration: bool
    admin_password: str | None = field(repr=False)
    platform_admin_password: str | None = field(default=None, repr=False)
    admits_anyone: bool = True  # whether tenants may accept unknown stations and tokens: no other machine can connect
    notification_address: str | None = None  # notification_svc's mesh port, host:port
    mesh: MeshSettings
    outbox_days: int
    certificates: CertificateRules = field(default_factory=CertificateRules)
    certificate_days: int = 365
    clients: ClientRules = field(default_factory=ClientRules)
    ring: KeyRing = field(default_factory=KeyRing)
    access_token_s: int = ACCESS_TOKEN_S
    concurrency: ConcurrencyRule = field(default_factory=ConcurrencyRule)
    ocsp: OcspRules = field(default_factory=OcspRules)
    ev_certificates: EvCertificateProvider = field(default_factory=NoProvider, repr=False)  # it may have a token
    v2g_signer: V2gSigner = field(default_factory=NoV2gSigner, repr=False)  # the same

    @classmethod
    def read(cls, env: Environment) -> Self:
        """Reads them. Raises SettingError."""
        open_registration = _one_of(env, "CSMS_REGISTRATION", ("closed", "open")) == "open"
        host = env.text("CSMS_HOST", "127.0.0.1")
        if open_registration and not is_loopback(host):
            raise SettingError(
                f"CSMS_REGISTRATION=open lets anyone add users, and CSMS_HOST={host!r} is not a loopback address: "
                "close registration, or bind to 127.0.0.1"
            )
        admin_password = env.optional("CSMS_ADMIN_PASSWORD")
        if admin_password is not None and len(admin_password) > MAX_PASSWORD:
            raise SettingError(f"CSMS_ADMIN_PASSWORD is longer than {MAX_PASSWORD} characters")
        platform_password = env.optional("CSMS_PLATFORM_ADMIN_PASSWORD")
        if platform_password is not None and not MIN_PASSWORD <= len(platform_password) <= MAX_PASSWORD:
            raise SettingError(f"CSMS_PLATFORM_ADMIN_PASSWORD: {MIN_PASSWORD} to {MAX_PASSWORD} characters are needed")
        return cls(
            accept_unknown_tokens=env.unknown_tokens_accepted(host=host),
            open_registration=open_registration,
            admin_password=admin_password,
            platform_admin_password=platform_password,
            admits_anyone=is_loopback(host),
            notification_address=env.optional("CSMS_NOTIFICATION_ADDRESS"),
            mesh=MeshSettings.read(env, "auth"),
            outbox_days=outbox.retention_days(env),
            certificates=_certificates(env),
            clients=_clients(env),
            ring=_ring(env),
            certificate_days=env.number("CSMS_CERTIFICATE_RETENTION_DAYS", 365, least=1, most=_MOST_DAYS),
            access_token_s=env.number("CSMS_ACCESS_TOKEN_S", ACCESS_TOKEN_S, least=10, most=ACCESS_TOKEN_S),
            concurrency=ConcurrencyRule(
                max_transactions=env.number(
                    "CSMS_MAX_CONCURRENT_TRANSACTIONS", 0, least=0, most=MOST_CONCURRENT_TRANSACTIONS
                ),
                limit_authorize=env.switch("CSMS_AUTHORIZE_CONCURRENT_TX", default=False),
            ),
            ocsp=_ocsp(env),
            ev_certificates=_ev_certificates(env),
            v2g_signer=_v2g_signer(env),
        )


def _certificates(env: Environment) -> CertificateRules:
    return CertificateRules(
        authority=_authority(env),
        organization=env.optional("CSMS_CERTIFICATE_ORGANIZATION"),
        validity_days=env.number("CSMS_CERTIFICATE_VALIDITY_DAYS", 365, least=1, most=3650),
        most_per_day=env.number("CSMS_CERTIFICATES_PER_STATION_DAY", MOST_PER_DAY, least=1, most=10_000),
    )


def _clients(env: Environment) -> ClientRules:
    bundle = env.optional("CSMS_CLIENT_CA_FILE")
    words = tuple(rule.value for rule in RevocationRule)
    return ClientRules(
        outside=read_bundle("CSMS_CLIENT_CA_FILE", bundle) if bundle else (),
        revocation=RevocationRule(_one_of(env, "CSMS_CLIENT_REVOCATION", words)),
    )


def _ring(env: Environment) -> KeyRing:
    path = env.optional(SETTING)
    if path is None:
        return KeyRing()
    try:
        return read_keys(read_secret_file(Path(path), SETTING).decode("latin-1"))
    except ValueError as error:
        raise SettingError(f"{SETTING}: {path}: {error}") from error


def _authority(env: Environment) -> Authority | None:
    certificate, key = env.optional("CSMS_CA_CERTIFICATE_FILE"), env.optional("CSMS_CA_KEY_FILE")
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise SettingError("CSMS_CA_CERTIFICATE_FILE and CSMS_CA_KEY_FILE: both are needed, or neither")
    return read_files(certificate, key, now_us=now_us())


def _ocsp(env: Environment) -> OcspRules:
    bundle = env.optional("CSMS_TRUSTED_CERTIFICATES_FILE")
    return OcspRules(
        http=HttpRules(private_addresses=env.switch("CSMS_OCSP_PRIVATE_ADDRESSES", default=False)),
        trusted=read_bundle("CSMS_TRUSTED_CERTIFICATES_FILE", bundle) if bundle else (),
    )


def _ev_certificates(env: Environment) -> EvCertificateProvider:
    url, token = _server(env, "CSMS_EV_CERTIFICATE_PROVIDER_URL", "CSMS_EV_CERTIFICATE_PROVIDER_TOKEN")
    return NoProvider() if url is None else HttpProvider(url=url, token=token)


def _v2g_signer(env: Environment) -> V2gSigner:
    url, token = _server(env, "CSMS_V2G_SIGNING_URL", "CSMS_V2G_SIGNING_TOKEN")
    return NoV2gSigner() if url is None else HttpV2gSigner(url=url, token=token)


def _server(env: Environment, url_name: str, token_name: str) -> tuple[str | None, str | None]:
    """URL and access token of a server of another party."""
    url, token = env.optional(url_name), env.optional(token_name)
    if url is None:
        if token is not None:
            raise SettingError(f"{token_name} needs {url_name}")
        return None, None
    try:
        check_url(url)
    except UrlError as error:
        raise SettingError(f"{url_name}: {error}") from error
    if token is not None and not (token.isascii() and token.isprintable()):
        raise SettingError(f"{token_name} has characters that no HTTP header may have")
    return url, token


def _one_of(env: Environment, name: str, words: Sequence[str]) -> str:
    """One of the words, of which the first is the default."""
    value = env.text(name, words[0])
    if value not in words:
        raise SettingError(f"{name}={value!r}: one of {', '.join(words)} is needed")
    return value
