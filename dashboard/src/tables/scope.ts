// The scope of the page, chosen in the top bar: the part of the tenant that lists show.
import { useUrlState } from "../ui";

/** The scope as an AIP-160 clause, `site:berlin` or `labels.region:north`; empty for the whole tenant. */
export function useScopeClause(): string {
  return useUrlState().get("scope");
}
