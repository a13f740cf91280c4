import { usePermissions } from "../../api/permissions";
import type { Part } from "../../resources";
import { LogService } from "../../stubs/csms/station/v1/log_service_pb";
import { FirmwareService } from "../../stubs/csms/station/v1/firmware_service_pb";
import type { Text } from "./text";

/** The lists of the fleet that the caller may read. */
export function useParts(t: Text): Part[] {
  const permissions = usePermissions();
  return [
    { href: "/firmware", label: t.firmware, method: FirmwareService.method.listFirmwareUpdates },
    { href: "/log-uploads", label: t.logs, method: LogService.method.listLogUploads },
  ].filter((part) => permissions.can(part.method));
}
