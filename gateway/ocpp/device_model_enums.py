"""The values of the contract's enumerations about device models and network profiles for OCPP's words. Data only.

As in enums.py.
"""

from csms.station.v1 import device_model_pb2, network_profile_pb2, station_pb2

from mesh.contract.options import ocpp_words

MUTABILITIES = ocpp_words(station_pb2.Mutability)
VARIABLE_DATA_TYPES = ocpp_words(station_pb2.VariableDataType)
REPORT_BASES = ocpp_words(device_model_pb2.ReportBase)
COMPONENT_CRITERIA = ocpp_words(device_model_pb2.ComponentCriterion)
DEVICE_MODEL_STATUSES = ocpp_words(device_model_pb2.DeviceModelStatus)
SET_NETWORK_PROFILE_STATUSES = ocpp_words(network_profile_pb2.SetNetworkProfileStatus)
NETWORK_OCPP_VERSIONS = ocpp_words(network_profile_pb2.NetworkOcppVersion)
OCPP_TRANSPORTS = ocpp_words(network_profile_pb2.OcppTransport)
OCPP_INTERFACES = ocpp_words(network_profile_pb2.OcppInterface)
VPN_TYPES = ocpp_words(network_profile_pb2.VpnType)
APN_AUTHENTICATIONS = ocpp_words(network_profile_pb2.ApnAuthentication)
