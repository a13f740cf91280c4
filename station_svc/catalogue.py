"""The features that the service has. A feature that is added is listed here; it registers all else itself."""

from collections.abc import Sequence

from mesh.driver_tables import DriverTable
from station_svc.commands import storage as commands
from station_svc.core import storage as core
from station_svc.core.storage import Retention, Storage
from station_svc.feature import Feature
from station_svc.features.availability.feature import FEATURE as AVAILABILITY
from station_svc.features.certificates.feature import FEATURE as CERTIFICATES
from station_svc.features.credentials.feature import FEATURE as CREDENTIALS
from station_svc.features.customer_information.feature import FEATURE as CUSTOMER_INFORMATION
from station_svc.features.data_transfer.feature import FEATURE as DATA_TRANSFER
from station_svc.features.device_model.feature import FEATURE as DEVICE_MODEL
from station_svc.features.diagnostics.feature import FEATURE as DIAGNOSTICS
from station_svc.features.display_messages.feature import FEATURE as DISPLAY_MESSAGES
from station_svc.features.firmware.feature import FEATURE as FIRMWARE
from station_svc.features.local_lists.feature import FEATURE as LOCAL_LISTS
from station_svc.features.message_log.feature import FEATURE as MESSAGE_LOG
from station_svc.features.monitoring.feature import FEATURE as MONITORING
from station_svc.features.remote_control.feature import FEATURE as REMOTE_CONTROL
from station_svc.features.reservations.feature import FEATURE as RESERVATIONS
from station_svc.features.security_events.feature import FEATURE as SECURITY_EVENTS
from station_svc.features.sites.feature import FEATURE as SITES
from station_svc.features.smart_charging.feature import FEATURE as SMART_CHARGING
from station_svc.follower import storage as follower
from station_svc.jobs import storage as jobs
from station_svc.partial_reports import storage as partial_reports
from station_svc.rollouts.feature import FEATURE as ROLLOUTS

FEATURES: Sequence[Feature] = (
    REMOTE_CONTROL,
    AVAILABILITY,
    DEVICE_MODEL,
    DATA_TRANSFER,
    MESSAGE_LOG,
    FIRMWARE,
    DIAGNOSTICS,
    SECURITY_EVENTS,
    MONITORING,
    CUSTOMER_INFORMATION,
    DISPLAY_MESSAGES,
    SMART_CHARGING,
    RESERVATIONS,
    LOCAL_LISTS,
    CREDENTIALS,
    CERTIFICATES,
    SITES,
    ROLLOUTS,
)

STORAGE: Sequence[Storage] = (
    core.STORAGE,
    commands.STORAGE,
    jobs.STORAGE,
    follower.STORAGE,
    partial_reports.STORAGE,
    *(feature.storage for feature in FEATURES),
)

RETENTION: Sequence[Retention] = tuple(one for storage in STORAGE for one in storage.retention)

DRIVERS: Sequence[DriverTable] = tuple(one for storage in STORAGE for one in storage.drivers)
