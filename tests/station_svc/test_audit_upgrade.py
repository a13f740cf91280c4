"""The upgrade to the release with the audit: stations, reservations and rollouts follow from entries, too."""

import sqlalchemy as sa

from mesh.audit.replay import replay
from tests.audited import contents, linked_entries
from tests.downgrade import downgraded
from tests.station_svc.conftest import StationSystem

_ROWS = (
    """
    INSERT INTO station (tenant_id, station_id, registration_status, display_name, security_profile,
                         pinned_ocpp_version, create_us, update_us)
    VALUES ('default', 'CP1', 1, 'Car park', 1, '1.6', 1, 1)
    """,
    """
    INSERT INTO reservation (tenant_id, station_id, reservation_id, evse_id, id_token, id_token_type, group_id_token,
                             group_id_token_type, expire_us, state, create_us, update_us)
    VALUES ('default', 'CP1', 7, 1, 'TAG', 'ISO14443', '', '', 99, 2, 1, 1)
    """,
)


async def test_stations_and_reservations_from_before_are_in_the_audit(system: StationSystem) -> None:
    with downgraded(system.database, "station_svc", "0016") as connection:
        for statement in _ROWS:
            connection.execute(sa.text(statement))
    state = replay(contents(await linked_entries(system.database, "station")))
    assert state == {
        ("station", "CP1"): {
            "registration_status": 1,
            "display_name": "Car park",
            "security_profile": 1,
            "pinned_ocpp_version": "1.6",
        },
        ("reservation", "CP1/7"): {
            "evse_id": 1,
            "id_token": "TAG",
            "id_token_type": "ISO14443",
            "group_id_token": "",
            "group_id_token_type": "",
            "expire_us": 99,
            "state": 2,
        },
    }
