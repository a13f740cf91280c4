"""The reasons of errors: the word of google.rpc.ErrorInfo that programs read (AIP-193), with what follows from each.

A reason is part of the contract: it is never renamed and never changes its meaning. The comments in `proto/` say which
RPC fails with which; tests/mesh/runtime/test_error_reasons.py compares both. This module imports nothing of ours, so
that pure code can use it.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum, auto
from typing import Self


class Sent(Enum):
    """Whether a command reached the station's socket before it failed."""

    NO = auto()
    YES = auto()  # or it has to be taken as sent
    UNKNOWN = auto()  # the reason says nothing about it


class Retry(Enum):
    """When the same request may succeed: as gRPC has it of UNAVAILABLE, FAILED_PRECONDITION and INVALID_ARGUMENT."""

    LATER = auto()  # by itself
    AFTER_CHANGE = auto()  # once a person, a station or a resource has changed
    NEVER = auto()  # the request itself is wrong


class Reason(StrEnum):
    """A reason that this release knows. `description` is one line for engineers; people read the error's message."""

    description: str
    retry: Retry
    sent: Sent

    def __new__(cls, text: str, description: str, retry: Retry, sent: Sent = Sent.UNKNOWN) -> Self:
        """A member; the text is the member's own name."""
        self = str.__new__(cls, text)
        self._value_ = text
        self.description = description
        self.retry = retry
        self.sent = sent
        return self

    @staticmethod
    def _generate_next_value_(name: str, _start: int, _count: int, _last_values: list[str]) -> str:
        return name

    @property
    def was_answered(self) -> bool:
        """Whether the station answered the command: with a CALLERROR, or with something that its version forbids."""
        return self in (Reason.CALL_ERROR, Reason.INVALID_ANSWER)

    @property
    def is_final(self) -> bool:
        """Whether the same request fails in the same way however often it is repeated."""
        return self.retry is Retry.NEVER

    # Commands to stations: csms.station.v1.CommandService
    STATION_OFFLINE = auto(), "No gateway holds the station's socket.", Retry.LATER, Sent.NO
    STATION_PENDING = auto(), "Its last boot was answered Pending; 1.6 forbids this then.", Retry.AFTER_CHANGE, Sent.NO
    STATION_REJECTED = auto(), "Its last boot was answered Rejected.", Retry.AFTER_CHANGE, Sent.NO
    STATION_NOT_FOUND = auto(), "No station of the tenant has this id.", Retry.AFTER_CHANGE, Sent.NO
    NOT_IN_VERSION = auto(), "The station's OCPP version has no such command.", Retry.NEVER, Sent.NO
    INVALID_FIELD = auto(), "A field of the request is wrong; `field` in the metadata names it.", Retry.NEVER, Sent.NO
    INVALID_PAYLOAD = auto(), "The schema of the OCPP version forbids the payload.", Retry.NEVER, Sent.NO
    TOO_MANY_COMMANDS = auto(), "The queue of the station's commands is full, or too slow.", Retry.LATER, Sent.NO
    CALL_TIMEOUT = auto(), "No answer came in time; the station may have acted.", Retry.LATER, Sent.YES
    STATION_DISCONNECTED = auto(), "The connection was lost before the answer.", Retry.LATER, Sent.YES
    CALL_ERROR = auto(), "The station answered with a CALLERROR, and did nothing.", Retry.AFTER_CHANGE, Sent.YES
    INVALID_ANSWER = auto(), "The station's answer is not as its OCPP version has it.", Retry.AFTER_CHANGE, Sent.YES
    NOT_SENT = auto(), "A CALL of several was not sent, because the one before it failed.", Retry.LATER, Sent.NO
    REQUEST_ID_REUSED = auto(), "The request id belongs to another request.", Retry.AFTER_CHANGE, Sent.NO
    WRONG_ANSWER = auto(), "The gateway answered another command.", Retry.AFTER_CHANGE
    USE_ROTATE_CREDENTIAL = auto(), "Credentials are changed by RotateCredential alone.", Retry.NEVER, Sent.NO
    USE_SET_VARIABLES = auto(), "The security profile is changed by SetVariables alone.", Retry.NEVER, Sent.NO
    USE_SET_NETWORK_PROFILE = (
        auto(),
        "A network profile of security profile 3 is set by SetNetworkProfile alone.",
        Retry.NEVER,
        Sent.NO,
    )
    SECURITY_PROFILE_LOWERED = (
        auto(),
        "A station does not go back to a lower profile (A05.FR.05).",
        Retry.NEVER,
        Sent.NO,
    )
    CREDENTIAL_MISSING = auto(), "The station has no credential for that profile.", Retry.AFTER_CHANGE, Sent.NO
    CLIENT_CERTIFICATE_MISSING = auto(), "The station has no certificate for that profile.", Retry.AFTER_CHANGE, Sent.NO
    FIRMWARE_UPDATE_EXISTS = auto(), "The station has an update of this number.", Retry.AFTER_CHANGE, Sent.NO
    FIRMWARE_PUBLICATION_EXISTS = (
        auto(),
        "The station has a publication of this number.",
        Retry.AFTER_CHANGE,
        Sent.NO,
    )
    LOG_UPLOAD_EXISTS = auto(), "The station has a log upload of this number.", Retry.AFTER_CHANGE, Sent.NO
    VARIABLE_REPORT_EXISTS = auto(), "The station has a report of this number.", Retry.AFTER_CHANGE, Sent.NO
    TRANSACTION_NOT_FOUND = auto(), "The station has no such transaction.", Retry.AFTER_CHANGE, Sent.NO

    # Stations and their resources
    STATION_EXISTS = auto(), "A station has this id already.", Retry.AFTER_CHANGE
    SERIAL_NUMBER_EXISTS = auto(), "Another station has it, as its serial number or identity.", Retry.AFTER_CHANGE
    RESERVATION_NOT_FOUND = auto(), "The station has no such reservation.", Retry.AFTER_CHANGE
    FIRMWARE_UPDATE_NOT_FOUND = auto(), "The station has no such update.", Retry.AFTER_CHANGE
    FIRMWARE_PUBLICATION_NOT_FOUND = auto(), "The station has no such publication.", Retry.AFTER_CHANGE
    LOG_UPLOAD_NOT_FOUND = auto(), "The station has no such log upload.", Retry.AFTER_CHANGE
    VARIABLE_REPORT_NOT_FOUND = auto(), "The station has no such report of variables.", Retry.AFTER_CHANGE
    CREDENTIAL_REFUSED = auto(), "The station did not take its first credential.", Retry.AFTER_CHANGE
    LOCAL_LIST_NOT_SUPPORTED = auto(), "The station keeps no local list.", Retry.AFTER_CHANGE
    LOCAL_LIST_REFUSED = auto(), "The station did not take a part of its local list.", Retry.LATER
    SUPERSEDED = auto(), "A later request for a certificate took its place.", Retry.AFTER_CHANGE
    OUTCOME_UNKNOWN = auto(), "The job of a certificate ended without an error.", Retry.AFTER_CHANGE

    SERVER_ROOT_NOT_HELD = auto(), "Too few stations hold the server's new root.", Retry.AFTER_CHANGE

    # Jobs and rollouts
    JOB_EXPIRED = auto(), "The job could not be done in time.", Retry.AFTER_CHANGE
    JOB_ABANDONED = auto(), "Too many processes were lost while they ran the job.", Retry.AFTER_CHANGE
    JOB_TIMEOUT = auto(), "A run of the job took too long.", Retry.LATER
    JOB_LOST = auto(), "Another process runs the job.", Retry.LATER
    CANCELLED = auto(), "The job was cancelled.", Retry.AFTER_CHANGE
    ROLLOUT_NOT_FOUND = auto(), "The tenant has no such rollout.", Retry.AFTER_CHANGE
    ROLLOUT_ENDED = auto(), "The rollout has ended.", Retry.AFTER_CHANGE
    NO_STATIONS = auto(), "The filter of a rollout finds no station.", Retry.AFTER_CHANGE
    TOO_MANY_STATIONS = auto(), "The filter of a rollout finds too many stations.", Retry.AFTER_CHANGE
    VARIABLE_REFUSED = auto(), "The station did not take a variable.", Retry.AFTER_CHANGE
    VARIABLES_NOT_KEPT = auto(), "The station restarted, and lost its variables.", Retry.AFTER_CHANGE
    SECURITY_PROFILE_NOT_CONFIRMED = (
        auto(),
        "The station took a security profile, and did not connect by it in time.",
        Retry.AFTER_CHANGE,
    )
    RESET_REFUSED = auto(), "The station refused to restart.", Retry.AFTER_CHANGE
    RESET_NOT_SEEN = auto(), "The station did not boot in time.", Retry.AFTER_CHANGE
    FIRMWARE_REFUSED = auto(), "The station refused the update.", Retry.AFTER_CHANGE
    FIRMWARE_FAILED = auto(), "The update failed.", Retry.AFTER_CHANGE
    FIRMWARE_SUPERSEDED = auto(), "Another update took its place.", Retry.AFTER_CHANGE
    COMMAND_REFUSED = auto(), "The station rejected the command of a rollout.", Retry.AFTER_CHANGE

    # Connections of stations and what they report: csms.station.v1.StationIngestService
    INVALID_STATION_ID = auto(), "The text cannot be a station's id.", Retry.NEVER
    STATION_UNKNOWN = auto(), "The tenant has no station of this id.", Retry.AFTER_CHANGE
    VERSION_NOT_OFFERED = auto(), "The station does not offer its pinned version.", Retry.AFTER_CHANGE
    SECURITY_PROFILE_TOO_LOW = auto(), "The connection has less than the station's profile.", Retry.AFTER_CHANGE
    CLIENT_CERTIFICATE_SUBJECT_WRONG = auto(), "The certificate names another station.", Retry.AFTER_CHANGE
    SERIAL_NUMBER_WRONG = auto(), "The boot's serial number is not the certificate's.", Retry.AFTER_CHANGE
    CREDENTIAL_CHECKS_BUSY = auto(), "Too many credentials are being checked.", Retry.LATER
    NODE_LEASE_EXPIRED = auto(), "The gateway's lease has run out.", Retry.LATER
    UNKNOWN_REPORT = auto(), "This release knows no report of that kind.", Retry.NEVER
    WRONG_RESULTS = auto(), "A batch was answered with too many results, or too few.", Retry.LATER
    INVALID_MESH_TOKEN = auto(), "The caller did not prove a part of the mesh.", Retry.LATER
    CALLER_NOT_ALLOWED = auto(), "No process of the caller's part may call the method.", Retry.AFTER_CHANGE
    CHANNEL_CLOSED = auto(), "The gateway's channel to the service is closed.", Retry.LATER

    # Sites
    SITE_EXISTS = auto(), "A site of the tenant has this id.", Retry.AFTER_CHANGE
    SITE_NOT_FOUND = auto(), "No site of the tenant has this id.", Retry.AFTER_CHANGE
    SITE_NOT_EMPTY = auto(), "The site has parts, or stations stand in it.", Retry.AFTER_CHANGE
    SITE_CYCLE = auto(), "A site cannot become a part of itself.", Retry.AFTER_CHANGE
    SITE_TOO_DEEP = auto(), "The tree of sites would have more than 32 levels.", Retry.AFTER_CHANGE
    SCOPE_TOO_NARROW = auto(), "The caller's permission covers parts of the tenant only.", Retry.AFTER_CHANGE

    # Conditions that need a person
    CONDITION_NOT_FOUND = auto(), "There is no such condition, or it has ended.", Retry.AFTER_CHANGE
    CONDITION_SOURCE_UNAVAILABLE = auto(), "The service that has the condition is unavailable.", Retry.LATER

    # Transactions and their quarantine
    SCHEMA_VIOLATION = auto(), "The payload breaks the schema of its action.", Retry.NEVER
    VALUE_OUT_OF_RANGE = auto(), "A value of the payload is beyond what can be stored.", Retry.NEVER
    OTHER_VERSION = auto(), "The message is of another OCPP version than the connection.", Retry.NEVER
    FRAME_TRUNCATED = auto(), "The frame ended within the message.", Retry.NEVER
    STATION_NOT_ACCEPTED = auto(), "The station is not accepted.", Retry.AFTER_CHANGE
    MESSAGE_UNREADABLE = auto(), "The gateway could not read the message, and says no more.", Retry.NEVER
    ITEM_UNREADABLE = auto(), "The stored item cannot be read.", Retry.NEVER
    ITEM_FAILED = auto(), "The item alone could not be stored; the log says why.", Retry.AFTER_CHANGE
    QUARANTINED = auto(), "The message is in quarantine; `cause` says why.", Retry.NEVER
    QUARANTINE_FULL = auto(), "Too much of the station is in quarantine already.", Retry.AFTER_CHANGE
    QUARANTINED_ITEM_NOT_FOUND = auto(), "The quarantine has no such item.", Retry.AFTER_CHANGE
    QUARANTINED_ITEM_RECORDED = auto(), "The item has been recorded.", Retry.AFTER_CHANGE
    MEND_LIMIT_REACHED = auto(), "The item has the most mends that one may have.", Retry.NEVER
    UNSUPPORTED_ACTION = auto(), "No gateway translates this action or version.", Retry.AFTER_CHANGE
    GATEWAY_NOT_CONFIGURED = auto(), "transaction_svc knows no gateway's address.", Retry.AFTER_CHANGE
    GATEWAY_UNAVAILABLE = auto(), "No gateway is available to translate the payload.", Retry.LATER
    EVENT_NOT_FOUND = auto(), "No event with this key is recorded.", Retry.LATER
    TRANSACTION_ENDED = auto(), "The transaction has ended already.", Retry.AFTER_CHANGE
    METER_PROFILE_NOT_FOUND = auto(), "No meter profile has this id.", Retry.AFTER_CHANGE
    METER_PROFILE_LIMIT_REACHED = auto(), "There are as many profiles as may be.", Retry.AFTER_CHANGE

    # Users, id tokens, certificates
    INVALID_TOKEN = auto(), "The access token is missing, wrong or expired.", Retry.AFTER_CHANGE
    INVALID_API_KEY = auto(), "The API key is wrong, revoked or expired.", Retry.AFTER_CHANGE
    INVALID_TICKET = auto(), "The ticket is wrong, used or expired: make another one.", Retry.AFTER_CHANGE
    CALLER_UNKNOWN = auto(), "What the caller may do cannot be looked up at this moment.", Retry.LATER
    ROLE_TOO_LOW = auto(), "The caller's role does not have the permission.", Retry.AFTER_CHANGE
    GRANTS_CHANGED = auto(), "The caller's roles changed while a stream was open.", Retry.LATER
    BEYOND_OWN_PERMISSIONS = auto(), "Nobody gives or manages more than they have themselves.", Retry.AFTER_CHANGE
    WRONG_CREDENTIALS = auto(), "User or station did not prove who it is.", Retry.AFTER_CHANGE
    TOO_MANY_ATTEMPTS = auto(), "Too many logins or API keys were wrong; `retry_after_s` has the wait.", Retry.LATER
    USER_EXISTS = auto(), "A user has this name, or one that looks like it.", Retry.AFTER_CHANGE
    USER_NOT_FOUND = auto(), "No user has this name.", Retry.AFTER_CHANGE
    REGISTRATION_CLOSED = auto(), "Registration is switched off.", Retry.AFTER_CHANGE
    NEW_PASSWORD_NEEDED = auto(), "The password is a temporary one: a new one is needed.", Retry.AFTER_CHANGE
    ROLE_EXISTS = auto(), "A role has this id already.", Retry.AFTER_CHANGE
    ROLE_NOT_FOUND = auto(), "The tenant has no such role.", Retry.AFTER_CHANGE
    ROLE_ASSIGNED = auto(), "Somebody has the role.", Retry.AFTER_CHANGE
    ROLE_BUILT_IN = auto(), "A built-in role cannot be changed.", Retry.NEVER
    TOO_MANY_ROLES = auto(), "The tenant has as many roles as may be.", Retry.AFTER_CHANGE
    API_KEY_NOT_FOUND = auto(), "The tenant has no such API key.", Retry.AFTER_CHANGE
    TOO_MANY_API_KEYS = auto(), "The tenant has as many API keys as may be.", Retry.AFTER_CHANGE
    SIGN_IN_NOT_FOUND = auto(), "There is no such sign-in, or it has ended.", Retry.AFTER_CHANGE
    INVITATION_NOT_FOUND = auto(), "There is no such invitation.", Retry.AFTER_CHANGE
    TOO_MANY_INVITATIONS = auto(), "There are as many open invitations as may be.", Retry.AFTER_CHANGE
    LAST_ADMINISTRATOR = auto(), "The last administrator cannot be removed.", Retry.AFTER_CHANGE
    ID_TOKEN_EXISTS = auto(), "An id token has this text already.", Retry.AFTER_CHANGE
    ID_TOKEN_NOT_FOUND = auto(), "No id token has this text.", Retry.AFTER_CHANGE
    ID_TOKEN_NOT_SEEN = auto(), "No station asked for such an id token lately.", Retry.AFTER_CHANGE
    TENANT_EXISTS = auto(), "A tenant has or had this id.", Retry.AFTER_CHANGE
    TENANT_NOT_FOUND = auto(), "No tenant has this id.", Retry.AFTER_CHANGE
    TENANT_SUSPENDED = auto(), "The tenant is suspended, or is being removed.", Retry.AFTER_CHANGE
    TENANT_REMOVED = auto(), "The tenant is being removed, or was.", Retry.NEVER
    TENANT_BUILT_IN = auto(), "The system itself needs this tenant.", Retry.NEVER
    TENANT_LIMIT_REACHED = auto(), "There are as many tenants as may be.", Retry.AFTER_CHANGE
    TENANT_QUOTA_REACHED = auto(), "The tenant has as many of these as its quota allows.", Retry.AFTER_CHANGE
    TENANTS_NOT_KNOWN = auto(), "The process has not read the tenants yet.", Retry.LATER
    DRIVER_ERASURE_NOT_FOUND = auto(), "No erasure of a driver has this id, or it is finished.", Retry.AFTER_CHANGE
    DRIVER_ERASURE_LIMIT_REACHED = auto(), "As many erasures of drivers are running as may be.", Retry.AFTER_CHANGE
    HOST_NAME_EXISTS = auto(), "A tenant has this host name.", Retry.AFTER_CHANGE
    CSR_UNREADABLE = auto(), "The text is no PKCS#10 request.", Retry.NEVER
    CSR_SIGNATURE_WRONG = auto(), "The request is not signed with its own key, or weakly.", Retry.NEVER
    CSR_KEY_WEAK = auto(), "The key is too short, or of an unknown kind.", Retry.NEVER
    CSR_SUBJECT_WRONG = auto(), "The request names another station or organization.", Retry.NEVER
    CSR_KEY_REVOKED = auto(), "A certificate of this key was revoked: a new key is needed.", Retry.NEVER
    CERTIFICATE_LIMIT_REACHED = auto(), "The station got as many certificates as it may in a day.", Retry.LATER
    CERTIFICATE_NOT_FOUND = auto(), "No certificate of this serial number was issued.", Retry.AFTER_CHANGE
    CERTIFICATE_AUTHORITY_UNKNOWN = auto(), "No authority of this fingerprint signs here.", Retry.AFTER_CHANGE
    CLIENT_CERTIFICATE_UNREADABLE = auto(), "The station's certificate cannot be read.", Retry.NEVER
    CLIENT_CERTIFICATE_UNTRUSTED = (
        auto(),
        "No authority here issued it to the station as it is now.",
        Retry.AFTER_CHANGE,
    )
    CLIENT_CERTIFICATE_EXPIRED = auto(), "It has expired, or one above it.", Retry.AFTER_CHANGE
    CLIENT_CERTIFICATE_NOT_YET_VALID = auto(), "Its validity has not begun, or that of one above it.", Retry.LATER
    CLIENT_CERTIFICATE_REVOKED = auto(), "It is revoked, or one above it.", Retry.AFTER_CHANGE
    CLIENT_CERTIFICATE_KEY_WEAK = auto(), "A key of its path is too short, or a hash too weak.", Retry.AFTER_CHANGE
    CLIENT_CERTIFICATE_ORGANIZATION_WRONG = auto(), "Its organization is another one.", Retry.AFTER_CHANGE
    CLIENT_CERTIFICATE_NOT_FOR_CLIENTS = auto(), "It is not made for TLS clients.", Retry.AFTER_CHANGE
    REVOCATION_UNKNOWN = auto(), "The authority did not say whether it is revoked.", Retry.LATER
    CERTIFICATE_TYPE_NOT_SIGNED = auto(), "Certificates of this type are not signed.", Retry.NEVER
    OCSP_REQUEST_INVALID = auto(), "The hashes, the serial number or the URL cannot be used.", Retry.NEVER
    OCSP_RESPONDER_REFUSED = auto(), "The responder's address is not of the public internet.", Retry.AFTER_CHANGE
    OCSP_RESPONDER_UNAVAILABLE = auto(), "The responder did not answer in time.", Retry.LATER
    OCSP_RESPONSE_INVALID = auto(), "The answer is of no use: unreadable, out of date or badly signed.", Retry.LATER
    CERTIFICATE_PROVIDER_MISSING = auto(), "No provider of contract certificates is configured.", Retry.AFTER_CHANGE
    CERTIFICATE_PROVIDER_UNAVAILABLE = auto(), "The provider did not answer in time.", Retry.LATER
    CERTIFICATE_PROVIDER_REFUSED = auto(), "The provider did not process the request.", Retry.AFTER_CHANGE

    # Simulated stations, where a simulator runs
    SIMULATED_STATION_NOT_FOUND = auto(), "The simulator has no station of this id.", Retry.AFTER_CHANGE
    SIMULATED_STATION_RUNNING = auto(), "The simulated station is switched on already.", Retry.AFTER_CHANGE
    SIMULATED_STATION_STOPPED = auto(), "The simulated station is switched off.", Retry.AFTER_CHANGE
    TOO_MANY_SIMULATED_STATIONS = auto(), "As many are switched on as may be.", Retry.AFTER_CHANGE
    VEHICLE_PLUGGED_IN = auto(), "A vehicle is plugged in there already.", Retry.AFTER_CHANGE
    NO_VEHICLE = auto(), "No vehicle is plugged in there.", Retry.AFTER_CHANGE

    # Any method
    INVALID_FILTER = auto(), "The filter cannot be read (AIP-160).", Retry.NEVER
    INVALID_PAGE_TOKEN = auto(), "The page token is none of this list (AIP-158): begin anew.", Retry.AFTER_CHANGE
    INVALID_CURSOR = auto(), "The cursor is none of this stream: begin anew.", Retry.AFTER_CHANGE
    CURSOR_EXPIRED = auto(), "The events after the cursor have been removed.", Retry.AFTER_CHANGE
    INVALID_REQUEST = auto(), "The request cannot be read.", Retry.NEVER
    TOO_MANY_REQUESTS = auto(), "Caller, tenant or address calls too often; `retry_after_s`.", Retry.LATER
    TOO_MANY_CALLS = auto(), "The caller has too many calls under way.", Retry.LATER
    TOO_MANY_STREAMS = auto(), "Caller, tenant or service has too many streams open.", Retry.LATER
    DATABASE_UNAVAILABLE = auto(), "The database is unavailable or too busy.", Retry.LATER
    SERVICE_STOPPING = auto(), "The service stops.", Retry.LATER
    INTERNAL = auto(), "A fault of the program; the log says more.", Retry.AFTER_CHANGE
    UNKNOWN = auto(), "The error came without a reason.", Retry.AFTER_CHANGE

    # The front door's own answers: deploy/local_replies.py, envoy/body-fields.lua
    FORBIDDEN = auto(), "The token is for something else, or the path for others.", Retry.AFTER_CHANGE
    UNKNOWN_PATH = auto(), "There is nothing at this path.", Retry.NEVER
    UNKNOWN_METHOD = auto(), "The path does not serve this HTTP method.", Retry.NEVER
    UNKNOWN_FIELD = auto(), "The body has a field that the contract does not know.", Retry.NEVER
    TOO_SLOW = auto(), "The request took too long to arrive.", Retry.LATER
    TOO_LARGE = auto(), "Body or headers are too large.", Retry.NEVER
    NOT_GRPC = auto(), "The path speaks gRPC and gRPC-web only.", Retry.NEVER
    SERVICE_AWAY = auto(), "The service behind the call is unavailable.", Retry.LATER
    NO_ANSWER_IN_TIME = auto(), "The service did not answer in time; it may still act.", Retry.LATER


class UnlistedReason(str):
    """A reason that a peer of a later release gave. It is passed on as it came, and nothing follows from it."""

    __slots__ = ()
    sent = Sent.UNKNOWN
    retry = Retry.AFTER_CHANGE
    was_answered = False
    is_final = False


AnyReason = Reason | UnlistedReason
_REASONS: Mapping[str, Reason] = {str(reason): reason for reason in Reason}


def reason_of(text: str) -> AnyReason:
    """The reason that a text from outside of the process stands for."""
    return _REASONS.get(text) or UnlistedReason(text)
