import type { ReactNode } from "react";

import { usePermissions } from "../../api/permissions";
import { SectionList } from "../../resources";
import { FirmwarePublicationService } from "../../stubs/csms/station/v1/firmware_publication_service_pb";
import { LogService } from "../../stubs/csms/station/v1/log_service_pb";
import { Section } from "../../ui";
import { publicationList, updateList, uploadList } from "./lists";
import { useText } from "./text";

export default function FirmwareTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const permissions = usePermissions();
  return (
    <>
      <Section title={t.firmware} flush>
        <SectionList {...updateList(t, props.stationId)} name="firmware" />
      </Section>
      {permissions.can(FirmwarePublicationService.method.listFirmwarePublications) && (
        <Section title={t.publications} flush>
          <SectionList {...publicationList(t, props.stationId)} name="publications" />
        </Section>
      )}
      {permissions.can(LogService.method.listLogUploads) && (
        <Section title={t.logs} flush>
          <SectionList {...uploadList(t, props.stationId)} name="logs" />
        </Section>
      )}
    </>
  );
}
