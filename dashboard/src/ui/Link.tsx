import type { ReactNode } from "react";
import { Link as RouteLink, useSearch } from "wouter";

import { withFrame } from "./url_state";

/** A link to a page of the dashboard; it keeps the scope. */
export function Link(props: {
  href: string;
  children: ReactNode;
  className?: string | undefined;
  title?: string;
  "aria-label"?: string;
  "aria-current"?: "page" | undefined;
}) {
  const { href, children, ...rest } = props;
  const search = useSearch();
  return (
    <RouteLink href={withFrame(href, search)} {...rest}>
      <>{children}</>
    </RouteLink>
  );
}
