import { dataText } from "../../live";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import { usePagedRows, useScopeClause } from "../../tables";
import { useEffect } from "react";

const PAGE_SIZE = 1000;

/** All sites that the caller may see, within the scope of the page, kept up by events. */
export function useSites() {
  const paged = usePagedRows({
    method: SiteService.method.listSites,
    field: "sites",
    request: { filter: useScopeClause() },
    rowKey: (site) => site.siteId,
    pageSize: PAGE_SIZE,
    live: { filter: { types: ["site."] }, keyOf: (event) => dataText(event, "siteId"), apply: () => "reload" },
  });
  const { hasMore, isLoadingMore, loadMore, error } = paged;
  useEffect(() => {
    if (hasMore && !isLoadingMore && !error) loadMore();
  }, [hasMore, isLoadingMore, loadMore, error]);
  return paged;
}
