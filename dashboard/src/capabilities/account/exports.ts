// The services that export data of a tenant and of a driver, by the names of their files.
import { clientOf } from "../../api/transport";
import { DataExportService as AuthData } from "../../stubs/csms/auth/v1/data_export_service_pb";
import { DataExportService as EventData } from "../../stubs/csms/event/v1/data_export_service_pb";
import { DataExportService as StationData } from "../../stubs/csms/station/v1/data_export_service_pb";
import { DataExportService as TransactionData } from "../../stubs/csms/transaction/v1/data_export_service_pb";

export const EXPORTS = {
  auth: clientOf(AuthData),
  station: clientOf(StationData),
  transaction: clientOf(TransactionData),
  event: clientOf(EventData),
};
