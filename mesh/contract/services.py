"""The services of the contract, by kind and process, and how its commands are named.

tests/mesh/contract/test_services.py holds the services against proto/.
"""

import re

# Served on operator ports, routed by the front door, listed by reflection.
OPERATOR_SERVICES = {
    "station": (
        "csms.station.v1.StationService",
        "csms.station.v1.CommandService",
        "csms.station.v1.ChargingProfileService",
        "csms.station.v1.ReservationService",
        "csms.station.v1.FirmwarePublicationService",
        "csms.station.v1.FirmwareService",
        "csms.station.v1.LogService",
        "csms.station.v1.StationCertificateService",
        "csms.station.v1.SecurityEventService",
        "csms.station.v1.MonitoringService",
        "csms.station.v1.CustomerInformationService",
        "csms.station.v1.DisplayMessageService",
        "csms.station.v1.DeviceModelService",
        "csms.station.v1.LocalListService",
        "csms.station.v1.RolloutService",
        "csms.station.v1.SiteService",
        "csms.station.v1.DataExportService",
    ),
    "transaction": (
        "csms.transaction.v1.TransactionService",
        "csms.transaction.v1.MeterProfileService",
        "csms.transaction.v1.EnergyService",
        "csms.transaction.v1.DataExportService",
    ),
    "auth": (
        "csms.auth.v1.UserService",
        "csms.auth.v1.RoleService",
        "csms.auth.v1.ApiKeyService",
        "csms.auth.v1.SignInService",
        "csms.auth.v1.InvitationService",
        "csms.auth.v1.IdTokenService",
        "csms.auth.v1.CertificateService",
        "csms.auth.v1.TenantService",
        "csms.auth.v1.DriverErasureService",
        "csms.auth.v1.DataExportService",
    ),
    "notification": (
        "csms.event.v1.EventService",
        "csms.audit.v1.AuditService",
        "csms.event.v1.DataExportService",
        "csms.condition.v1.ConditionService",
    ),
}

# The same of processes that are not part of every mesh: routed and listed where they run. Each is a part of the mesh.
OPTIONAL_OPERATOR_SERVICES = {
    "simulator": ("csms.simulator.v1.SimulatorService",),
}

# Served by each service that has a copy of where stations stand.
PLACEMENTS = "csms.station.v1.PlacementIngestService"

# Served by each service whose database has conditions.
CONDITIONS = "csms.condition.v1.ConditionSourceService"

# Served on mesh ports, to other processes; the front door has no route to them. The keys are the parts of the mesh.
MESH_SERVICES = {
    "station": ("csms.station.v1.StationIngestService", CONDITIONS),
    "transaction": ("csms.transaction.v1.TransactionIngestService", PLACEMENTS, CONDITIONS),
    "auth": (
        "csms.auth.v1.AuthorizationService",
        "csms.auth.v1.CertificateAuthorityService",
        "csms.auth.v1.CertificateExchangeService",
        "csms.auth.v1.TenantDirectoryService",
        "csms.auth.v1.DriverErasureDirectoryService",
        "csms.auth.v1.CallerService",
        CONDITIONS,
    ),
    "notification": ("csms.event.v1.EventIngestService", PLACEMENTS),
    "gateway": ("csms.gateway.v1.GatewayService",),
}


def command_name(rpc: str) -> str:
    """The command that an RPC of CommandService is, a field of CallRequest: ClearCache is `clear_cache`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower()
