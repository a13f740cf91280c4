"""The tables of stations' certificates."""

import sqlalchemy as sa

from station_svc.core.columns import Key, frame_key, metadata, partial_index, small, station_key, text

# Requests of stations to the certificate authority. `csr` and `chain` are emptied when they are no longer needed.
certificate_request = sa.Table(
    "certificate_request",
    metadata,
    *station_key(),
    *frame_key(),
    small("certificate_type"),
    text("csr_sha256"),
    text("csr"),
    text("chain"),
    small("state"),
    text("reason"),
    text("serial_number"),
    sa.Column("expire_us", sa.BigInteger),
    # When the station is asked for the next request; NULL: the certificate was not taken, or another one followed it.
    sa.Column("renew_us", sa.BigInteger),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Index("certificate_request_age", "receive_us"),
    sa.Index("certificate_request_list", "tenant_id", "receive_us"),
    partial_index("certificate_request_renewal", "renew_us", where="renew_us IS NOT NULL"),
)

# The columns of the key are in the order of lists.
installed_certificate = sa.Table(
    "installed_certificate",
    metadata,
    *station_key(),
    sa.Column("certificate_type", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("hash_algorithm", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("issuer_name_hash", Key, primary_key=True),
    sa.Column("issuer_key_hash", Key, primary_key=True),
    sa.Column("serial_number", Key, primary_key=True),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    # The certificates above it, where it is the first of a chain: rows.to_text. Empty: none.
    sa.Column("child_hash_data", sa.Text, nullable=False, server_default=sa.text("''")),
)
