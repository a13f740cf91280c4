import type { ReactNode } from "react";

import { dataText } from "../../live";
import { ResourcePage, rowJson, textColumn, withUpdateMask } from "../../resources";
import { SiteSchema, type Site } from "../../stubs/csms/station/v1/site_pb";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import type { Column } from "../../tables";
import { Badge, EmptyState, Link } from "../../ui";
import styles from "./sites.module.css";
import { useText, type Text } from "./text";
import { depthOf, nameOf, pathText } from "./tree";

const { method } = SiteService;

function stationsHref(site: Site): string {
  return `/stations?${new URLSearchParams({ scope: `site:${site.siteId}` }).toString()}`;
}

function columnsOf(t: Text): Column<Site>[] {
  return [
    {
      id: "site",
      label: t.site,
      width: "minmax(220px, 2fr)",
      card: "head",
      sortBy: (row) => pathText(row, new Map()),
      cell: (row) => (
        <span className={styles.name}>
          {depthOf(row) > 0 && <span className={styles.above}>{row.path.slice(0, depthOf(row)).join(" / ")} /</span>}
          <Link href={stationsHref(row)} title={t.stations}>
            {nameOf(row)}
          </Link>
        </span>
      ),
    },
    textColumn("id", t.id, (row) => row.siteId, { optional: true }),
    textColumn("kind", t.kind, (row) => row.kind, { width: "120px" }),
    textColumn("place", t.place, (row) => [row.address?.postalCode, row.address?.locality].filter(Boolean).join(" ")),
    textColumn("zone", t.zone, (row) => row.effectiveTimeZone),
    {
      id: "labels",
      label: t.labels,
      cell: (row) => Object.entries(row.labels).map(([key, value]) => <Badge key={key}>{`${key}: ${value}`}</Badge>),
    },
  ];
}

export default function SitesPage(): ReactNode {
  const t = useText();
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listSites}
      field="sites"
      schema={SiteSchema}
      rowKey={(row) => row.siteId}
      rowName={nameOf}
      columns={columnsOf(t)}
      searchText={(row) => `${row.siteId} ${row.displayName} ${row.address?.locality ?? ""} ${row.kind}`}
      searchLabel={t.search}
      live={{ filter: { types: ["site."] }, keyOf: (event) => dataText(event, "siteId"), apply: () => "reload" }}
      creates={[{ method: method.createSite, label: t.create }]}
      actions={[
        {
          method: method.createSite,
          label: t.part,
          icon: "plus",
          initial: (row) => ({ site: { parentSiteId: row.siteId } }),
        },
        {
          method: method.updateSite,
          label: t.update,
          icon: "edit",
          initial: (row) => ({ site: rowJson(SiteSchema, row) }),
          hidden: ["update_mask"],
          prepare: (json, row) => withUpdateMask(json, "site", rowJson(SiteSchema, row), ["siteId"]),
        },
        { method: method.moveSite, label: t.move, icon: "rollout", fixed: (row) => ({ siteId: row.siteId }) },
        {
          method: method.getSite,
          label: t.look,
          icon: "search",
          fixed: (row) => ({ siteId: row.siteId }),
          keepsAnswer: true,
        },
        {
          method: method.deleteSite,
          label: t.remove,
          icon: "trash",
          danger: true,
          fixed: (row) => ({ siteId: row.siteId }),
          confirm: (row) => ({ title: `${t.remove}: ${nameOf(row)}`, text: t.removeText }),
        },
      ]}
      empty={
        <EmptyState title={t.empty} icon="site">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}
