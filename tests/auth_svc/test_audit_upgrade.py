"""The upgrade to the release with the audit: what was there before follows from entries, too."""

import sqlalchemy as sa

from mesh.audit.replay import replay
from mesh.database.engine import Database
from tests.audited import contents, linked_entries
from tests.downgrade import downgraded

_TOKEN = sa.text(
    """
    INSERT INTO id_token (tenant_id, token_key, id_token, type, status, group_id_token, display_name, create_us,
                          update_us, merged_into)
    VALUES ('default', :key, :key, '', 'Blocked', '', 'Ada', 1, 1, :merged_into)
    """
)


async def test_users_and_id_tokens_from_before_are_in_the_audit(database: Database) -> None:
    """An entry for each one at the upgrade; forms that were merged into another token have none of their own."""
    with downgraded(database, "auth_svc", "0008") as connection:
        user = "'default', 'ada', 'Ada', 3, 'x', 1"
        columns = "tenant_id, username_key, username, role, password_hash, create_us"
        connection.execute(sa.text(f"INSERT INTO user_account ({columns}) VALUES ({user})"))  # noqa: S608 - our own
        for key, merged_into in (("04ab", ""), ("04-ab", "04ab")):
            connection.execute(_TOKEN, {"key": key, "merged_into": merged_into})
    entries = contents(await linked_entries(database, "auth"))
    assert replay(entries) == {
        ("user", "Ada"): {"role": "ADMINISTRATOR"},
        ("id_token", "04ab"): {
            "type": "",
            "status": "Blocked",
            "expire_us": None,
            "group_id_token": "",
            "display_name": "Ada",
            "max_concurrent_transactions": None,
        },
    }
    assert {entry.action for entry in entries} == {"upgrade"}
