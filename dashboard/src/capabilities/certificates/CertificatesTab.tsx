import type { ReactNode } from "react";

import { ResourceList } from "../../resources";
import { Section } from "../../ui";
import { installedList, requestList } from "./lists";
import { useText } from "./text";

export default function CertificatesTab(props: { stationId: string }): ReactNode {
  const t = useText();
  return (
    <>
      <Section title={t.installed} flush>
        <ResourceList {...installedList(t, props.stationId)} name="installed" ignoreScope fill={false} />
      </Section>
      <Section title={t.requests} flush>
        <ResourceList {...requestList(t, props.stationId)} name="requests" ignoreScope fill={false} />
      </Section>
    </>
  );
}
