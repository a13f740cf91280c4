"""The words of OCPP about certificates and the contract's enumerations, for every version; as gateway/ocpp/enums.py."""

from collections.abc import Mapping

from csms.common.v1 import certificate_pb2 as common_pb2
from csms.station.v1 import certificate_pb2

CERTIFICATE_SIGNING_USES: Mapping[str, common_pb2.CertificateSigningUse.ValueType] = {
    "ChargingStationCertificate": common_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE,
    "V2GCertificate": common_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE,
    "V2G20Certificate": common_pb2.CERTIFICATE_SIGNING_USE_V2G20_CERTIFICATE,
}

CERTIFICATE_SIGNED_STATUSES: Mapping[str, certificate_pb2.CertificateSignedStatus.ValueType] = {
    "Accepted": certificate_pb2.CERTIFICATE_SIGNED_STATUS_ACCEPTED,
    "Rejected": certificate_pb2.CERTIFICATE_SIGNED_STATUS_REJECTED,
}

INSTALL_CERTIFICATE_USES: Mapping[str, certificate_pb2.InstallCertificateUse.ValueType] = {
    "V2GRootCertificate": certificate_pb2.INSTALL_CERTIFICATE_USE_V2G_ROOT_CERTIFICATE,
    "MORootCertificate": certificate_pb2.INSTALL_CERTIFICATE_USE_MO_ROOT_CERTIFICATE,
    "CSMSRootCertificate": certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE,
    "ManufacturerRootCertificate": certificate_pb2.INSTALL_CERTIFICATE_USE_MANUFACTURER_ROOT_CERTIFICATE,
    "OEMRootCertificate": certificate_pb2.INSTALL_CERTIFICATE_USE_OEM_ROOT_CERTIFICATE,
}

INSTALL_CERTIFICATE_USES_16: Mapping[str, certificate_pb2.InstallCertificateUse.ValueType] = {
    "CentralSystemRootCertificate": certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE,
    "ManufacturerRootCertificate": certificate_pb2.INSTALL_CERTIFICATE_USE_MANUFACTURER_ROOT_CERTIFICATE,
}

INSTALL_CERTIFICATE_STATUSES: Mapping[str, certificate_pb2.InstallCertificateStatus.ValueType] = {
    "Accepted": certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED,
    "Rejected": certificate_pb2.INSTALL_CERTIFICATE_STATUS_REJECTED,
    "Failed": certificate_pb2.INSTALL_CERTIFICATE_STATUS_FAILED,
}

DELETE_CERTIFICATE_STATUSES: Mapping[str, certificate_pb2.DeleteCertificateStatus.ValueType] = {
    "Accepted": certificate_pb2.DELETE_CERTIFICATE_STATUS_ACCEPTED,
    "Failed": certificate_pb2.DELETE_CERTIFICATE_STATUS_FAILED,
    "NotFound": certificate_pb2.DELETE_CERTIFICATE_STATUS_NOT_FOUND,
}

HASH_ALGORITHMS: Mapping[str, certificate_pb2.HashAlgorithm.ValueType] = {
    "SHA256": certificate_pb2.HASH_ALGORITHM_SHA256,
    "SHA384": certificate_pb2.HASH_ALGORITHM_SHA384,
    "SHA512": certificate_pb2.HASH_ALGORITHM_SHA512,
}

GET_CERTIFICATE_ID_USES: Mapping[str, certificate_pb2.GetCertificateIdUse.ValueType] = {
    "V2GRootCertificate": certificate_pb2.GET_CERTIFICATE_ID_USE_V2G_ROOT_CERTIFICATE,
    "MORootCertificate": certificate_pb2.GET_CERTIFICATE_ID_USE_MO_ROOT_CERTIFICATE,
    "CSMSRootCertificate": certificate_pb2.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE,
    "ManufacturerRootCertificate": certificate_pb2.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE,
    "OEMRootCertificate": certificate_pb2.GET_CERTIFICATE_ID_USE_OEM_ROOT_CERTIFICATE,
    "V2GCertificateChain": certificate_pb2.GET_CERTIFICATE_ID_USE_V2G_CERTIFICATE_CHAIN,
}

GET_CERTIFICATE_ID_USES_16: Mapping[str, certificate_pb2.GetCertificateIdUse.ValueType] = {
    "CentralSystemRootCertificate": certificate_pb2.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE,
    "ManufacturerRootCertificate": certificate_pb2.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE,
}

GET_INSTALLED_CERTIFICATE_STATUSES: Mapping[str, certificate_pb2.GetInstalledCertificateStatus.ValueType] = {
    "Accepted": certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED,
    "NotFound": certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND,
}
