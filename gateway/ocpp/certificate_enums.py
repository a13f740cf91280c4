"""The words of OCPP about certificates and the contract's enumerations, for every version; as gateway/ocpp/enums.py."""

from csms.common.v1 import certificate_pb2 as common_pb2
from csms.station.v1 import certificate_pb2

from mesh.contract.options import ocpp_16_words, ocpp_words

AUTHORIZE_CERTIFICATE_STATUSES = ocpp_words(common_pb2.AuthorizeCertificateStatus)
CERTIFICATE_ACTIONS = ocpp_words(common_pb2.CertificateAction)
CERTIFICATE_SIGNING_USES = ocpp_words(common_pb2.CertificateSigningUse)
CERTIFICATE_SIGNED_STATUSES = ocpp_words(certificate_pb2.CertificateSignedStatus)
INSTALL_CERTIFICATE_USES = ocpp_words(certificate_pb2.InstallCertificateUse)
INSTALL_CERTIFICATE_USES_16 = ocpp_16_words(certificate_pb2.InstallCertificateUse)
INSTALL_CERTIFICATE_STATUSES = ocpp_words(certificate_pb2.InstallCertificateStatus)
DELETE_CERTIFICATE_STATUSES = ocpp_words(certificate_pb2.DeleteCertificateStatus)
HASH_ALGORITHMS = ocpp_words(certificate_pb2.HashAlgorithm)
GET_CERTIFICATE_ID_USES = ocpp_words(certificate_pb2.GetCertificateIdUse)
GET_CERTIFICATE_ID_USES_16 = ocpp_16_words(certificate_pb2.GetCertificateIdUse)
GET_INSTALLED_CERTIFICATE_STATUSES = ocpp_words(certificate_pb2.GetInstalledCertificateStatus)
