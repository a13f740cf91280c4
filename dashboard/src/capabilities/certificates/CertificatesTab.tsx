import type { ReactNode } from "react";

import { SectionList } from "../../resources";
import { Section } from "../../ui";
import { installedList, requestList } from "./lists";
import { useText } from "./text";

export default function CertificatesTab(props: { stationId: string }): ReactNode {
  const t = useText();
  return (
    <>
      <Section title={t.installed} flush>
        <SectionList {...installedList(t, props.stationId)} name="installed" />
      </Section>
      <Section title={t.requests} flush>
        <SectionList {...requestList(t, props.stationId)} name="requests" />
      </Section>
    </>
  );
}
