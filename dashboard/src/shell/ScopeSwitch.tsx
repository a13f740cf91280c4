import { useQuery } from "@connectrpc/connect-query";

import { SiteService } from "../stubs/csms/station/v1/site_service_pb";
import { Select, useUrlState } from "../ui";
import { useShellText } from "./text";
import styles from "./TopBar.module.css";

const FRESH_MS = 300_000;

/** The part of the tenant that lists show; it is not there where the tenant has no sites. */
export default function ScopeSwitch() {
  const t = useShellText();
  const url = useUrlState();
  const sites = useQuery(SiteService.method.listSites, { pageSize: 1000 }, { staleTime: FRESH_MS }).data?.sites ?? [];
  const scope = url.get("scope");
  if (sites.length === 0 && !scope) return null;
  const options = sites.map((site) => ({ id: `site:${site.siteId}`, label: site.displayName || site.siteId }));
  const isOther = scope && !options.some((option) => option.id === scope);
  return (
    <Select
      label={t.scope}
      hideLabel
      className={styles.scope}
      value={scope || "*"}
      options={[{ id: "*", label: t.scopeAll }, ...options, ...(isOther ? [{ id: scope, label: scope }] : [])]}
      onChange={(value) => {
        url.set({ scope: value === "*" ? undefined : value });
      }}
    />
  );
}
