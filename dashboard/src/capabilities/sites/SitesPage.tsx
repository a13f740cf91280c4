import { useMemo, type ReactNode } from "react";

import { rowJson, useResourceMethods, withUpdateMask, type ResourceMethod } from "../../resources";
import { SiteSchema, type Site } from "../../stubs/csms/station/v1/site_pb";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import { EmptyState, ErrorState, LinkButton, Page, SearchField, Section, Skeleton, useUrlState } from "../../ui";
import { SitePanel } from "./SitePanel";
import styles from "./sites.module.css";
import { SiteTree } from "./SiteTree";
import { useText, type Text } from "./text";
import { found, nameOf, treeOf } from "./tree";
import { useSites } from "./useSites";

const { method } = SiteService;

function actionsOf(t: Text): ResourceMethod<Site>[] {
  const fixed = (row: Site) => ({ siteId: row.siteId });
  return [
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
    { method: method.getSite, label: t.look, icon: "search", fixed, keepsAnswer: true },
    {
      method: method.deleteSite,
      label: t.remove,
      icon: "trash",
      danger: true,
      fixed,
      confirm: (row) => ({ title: `${t.remove}: ${nameOf(row)}`, text: t.removeText }),
    },
  ];
}

export default function SitesPage(): ReactNode {
  const t = useText();
  const sites = useSites();
  const methods = useResourceMethods<Site>({
    list: method.listSites,
    nameOf,
    rowKey: (row) => row.siteId,
    schema: SiteSchema,
    actions: actionsOf(t),
    creates: [{ method: method.createSite, label: t.create }],
  });
  return (
    <Page
      title={t.title}
      fill
      actions={
        <>
          <LinkButton icon="globe" href="/sites/map">
            {t.map}
          </LinkButton>
          {methods.buttons}
        </>
      }
    >
      <Content paged={sites} entriesOf={methods.entriesOf} />
      {methods.dialogs}
      {methods.detailsDialog(sites)}
    </Page>
  );
}

function Content(props: {
  paged: ReturnType<typeof useSites>;
  entriesOf: ReturnType<typeof useResourceMethods<Site>>["entriesOf"];
}) {
  const t = useText();
  const url = useUrlState();
  const { rows: sites, isLoading, error, refetch } = props.paged;
  const tree = useMemo(() => treeOf(sites), [sites]);
  const text = url.get("q");
  const nodes = useMemo(() => found(tree, text), [tree, text]);
  if (isLoading && !error) return <Skeleton kind="rows" lines={8} />;
  if (error && sites.length === 0) return <ErrorState error={error} onRetry={refetch} />;
  if (sites.length === 0) {
    return (
      <EmptyState title={t.empty} icon="site">
        <p>{t.emptyText}</p>
      </EmptyState>
    );
  }
  const asked = url.get("site");
  const site = sites.find((one) => one.siteId === asked) ?? nodes[0]?.site;
  return (
    <div className={styles.columns}>
      <div className={styles.treeSide}>
        <SearchField
          label={t.search}
          value={text}
          onChange={(q) => {
            url.set({ q });
          }}
        />
        <Section className={styles.treeBox ?? ""} flush>
          {nodes.length === 0 ? (
            <EmptyState title={t.noMatch} icon="search" />
          ) : (
            <SiteTree
              nodes={nodes}
              count={sites.length}
              chosen={site?.siteId ?? ""}
              above={site?.path ?? []}
              isNarrowed={Boolean(text)}
              onChoose={(siteId) => {
                url.set({ site: siteId });
              }}
              t={t}
            />
          )}
        </Section>
      </div>
      {site && <SitePanel key={site.siteId} site={site} sites={sites} entries={props.entriesOf(site)} />}
    </div>
  );
}
