"""Exports: a column that may be a secret is left out, or is listed here as none."""

import re

import pytest

from tests.gateway.test_whole_tenant_removal import EXPORTED

_MAY_BE_SECRET = re.compile(r"hash|secret|salt|digest|credential|private|password|ticket|csr|_key$")
# Digests and keys of what is exported itself, and facts about credentials.
NO_SECRETS = {
    "auth": {
        "id_token.token_key",
        "id_token.match_key",
        "seen_token.token_key",
        "user_account.username_key",
        "user_account.password_expire_us",
        "known_source.username_key",
        "issued_certificate.csr_digest",
        "audit_entry.previous_hash",
        "audit_entry.hash",
        "audit_head.hash",
        "audit_head.removed_hash",
    },
    "station": {
        "station.failed_credentials",
        "station.failed_credential_us",
        "station.failed_credential_address",
        "station.failed_credential_reason",
        "station.failed_credentials_before",
        "station.failed_credential_begin_us",
        "command.digest",  # HMAC, whose salt is left out
        "rollout.digest",
        "reservation.token_key",
        "certificate_request.csr",  # a request for a certificate, which is public
        "certificate_request.csr_sha256",
        "customer_report.hash_algorithm",  # of a certificate, which is public
        "customer_report.issuer_name_hash",
        "customer_report.issuer_key_hash",
        "installed_certificate.child_hash_data",
        "installed_certificate.hash_algorithm",
        "installed_certificate.issuer_name_hash",
        "installed_certificate.issuer_key_hash",
        "audit_entry.previous_hash",
        "audit_entry.hash",
        "audit_head.hash",
        "audit_head.removed_hash",
    },
    "transaction": {
        "tx.station_hash",
        "tx.evse_hash",
        "tx.token_key",
        "tx_event.content_key",
        "tx_event.tx_hash",
        "tx_packed.first_key",
        "meter_values.content_key",
        "meter_profile.vendor_key",
        "meter_profile.model_key",
        "meter_profile.firmware_key",
        "audit_entry.previous_hash",
        "audit_entry.hash",
        "audit_head.hash",
        "audit_head.removed_hash",
    },
    "notification": {
        "audit_record.previous_hash",
        "audit_record.hash",
        "audit_record_start.removed_hash",
        "audit_entry.previous_hash",
        "audit_entry.hash",
        "audit_head.hash",
        "audit_head.removed_hash",
    },
}


@pytest.mark.parametrize("service", EXPORTED)
def test_a_column_that_may_be_a_secret_is_decided_about(service: str) -> None:
    exported = EXPORTED[service]
    found = {f"{table.name}.{column.name}" for table in exported.tables() for column in table.columns}
    assert {name for name in found - set(exported.secrets) if _MAY_BE_SECRET.search(name)} == NO_SECRETS[service]
