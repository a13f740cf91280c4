"""The words of OCPP about monitors, events, drivers' data and displays, for every version; as gateway/ocpp/enums.py."""

from csms.station.v1 import alarm_pb2, customer_information_pb2, display_message_pb2, monitoring_pb2

from mesh.contract.options import ocpp_words

MONITOR_TYPES = ocpp_words(monitoring_pb2.MonitorType)
SET_MONITORING_STATUSES = ocpp_words(monitoring_pb2.SetMonitoringStatus)
CLEAR_MONITORING_STATUSES = ocpp_words(monitoring_pb2.ClearMonitoringStatus)
MONITORING_BASES = ocpp_words(monitoring_pb2.MonitoringBase)
MONITORING_CRITERIA = ocpp_words(monitoring_pb2.MonitoringCriterion)
EVENT_TRIGGERS = ocpp_words(alarm_pb2.EventTrigger)
EVENT_NOTIFICATION_TYPES = ocpp_words(alarm_pb2.EventNotificationType)
CUSTOMER_INFORMATION_STATUSES = ocpp_words(customer_information_pb2.CustomerInformationStatus)
MESSAGE_PRIORITIES = ocpp_words(display_message_pb2.MessagePriority)
MESSAGE_STATES = ocpp_words(display_message_pb2.MessageState)
MESSAGE_FORMATS = ocpp_words(display_message_pb2.MessageFormat)
DISPLAY_MESSAGE_STATUSES = ocpp_words(display_message_pb2.DisplayMessageStatus)
GET_DISPLAY_MESSAGES_STATUSES = ocpp_words(display_message_pb2.GetDisplayMessagesStatus)
CLEAR_MESSAGE_STATUSES = ocpp_words(display_message_pb2.ClearMessageStatus)
