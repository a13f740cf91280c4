// The application: sign-in, permissions, the frame, and the page of the address.
import { TransportProvider } from "@connectrpc/connect-query";
import { QueryClientProvider } from "@tanstack/react-query";
import { Component, lazy, Suspense, useEffect, useRef, useState, type ComponentType, type ReactNode } from "react";
import { I18nProvider, RouterProvider } from "react-aria-components";
import { Redirect, Route, Switch, useLocation, useSearch } from "wouter";

import { PermissionsProvider, usePermissions } from "../api/permissions";
import { queryClient } from "../api/queries";
import { useSession } from "../api/session";
import { transport } from "../api/transport";
import { localeOf, useLanguage } from "../i18n/catalogue";
import { Button, EmptyState, ErrorState, LinkButton, Page, Skeleton, Toasts, useGo } from "../ui";
import styles from "./App.module.css";
import type { CapabilityRoute } from "./capability";
import { BottomBar, Rail } from "./Rail";
import { capabilities, navigationFor, offered, publicRoutes } from "./registry";
import { useShortcuts } from "./shortcuts";
import { useShellText } from "./text";
import { PausedLine, TopBar } from "./TopBar";

// Neither is there before somebody opens it.
const Palette = lazy(() => import("./Palette"));
const ShortcutList = lazy(() => import("./ShortcutList"));

const SIGN_IN = "/sign-in";

type PageType = ComponentType<{ params: Record<string, string | undefined> }>;
const pages = new Map<CapabilityRoute, PageType>();

function pageOf(route: CapabilityRoute): PageType {
  const known = pages.get(route);
  if (known) return known;
  const page = lazy(route.load);
  pages.set(route, page);
  return page;
}

export function App() {
  const language = useLanguage();
  const session = useSession();
  const go = useGo();
  return (
    <I18nProvider locale={localeOf(language)}>
      <RouterProvider navigate={go}>
        <TransportProvider transport={transport}>
          <QueryClientProvider client={queryClient}>
            {session ? <SignedIn key={`${session.tenantId}/${session.username}`} /> : <SignedOut />}
            <Toasts />
          </QueryClientProvider>
        </TransportProvider>
      </RouterProvider>
    </I18nProvider>
  );
}

function RouteList(props: { routes: readonly CapabilityRoute[]; otherwise: ReactNode }) {
  return (
    <Switch>
      {props.routes.map((route) => {
        const PageComponent = pageOf(route);
        return (
          <Route key={route.path} path={route.path}>
            {(params) => (
              <Suspense fallback={<Skeleton lines={8} />}>
                <PageComponent params={params} />
              </Suspense>
            )}
          </Route>
        );
      })}
      <Route>{props.otherwise}</Route>
    </Switch>
  );
}

function SignedOut() {
  const [location] = useLocation();
  const search = useSearch();
  const back = location === "/" ? "" : `?to=${encodeURIComponent(search ? `${location}?${search}` : location)}`;
  useEffect(() => {
    queryClient.clear();
  }, []);
  return (
    <main className={styles.public}>
      <RouteList routes={publicRoutes} otherwise={<Redirect to={SIGN_IN + back} replace />} />
    </main>
  );
}

function SignedIn() {
  const t = useShellText();
  return (
    <PermissionsProvider
      fallback={<Skeleton />}
      failure={(error, retry) => <ErrorState title={t.startFailed} error={error} onRetry={retry} />}
    >
      <Frame />
    </PermissionsProvider>
  );
}

function Frame() {
  const t = useShellText();
  const permissions = usePermissions();
  const items = navigationFor(permissions);
  const go = useGo();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const openPalette = () => {
    setPalette(true);
  };
  useShortcuts({
    items,
    go,
    onPalette: openPalette,
    onHelp: () => {
      setHelp(true);
    },
  });
  return (
    <div className={styles.frame}>
      <a href="#content" className={styles.skip}>
        {t.skip}
      </a>
      <TopBar onPalette={openPalette} />
      <PausedLine />
      <div className={styles.middle}>
        <Rail />
        <Content />
      </div>
      <BottomBar />
      <Suspense>
        {palette && (
          <Palette
            onClose={() => {
              setPalette(false);
            }}
          />
        )}
        {help && (
          <ShortcutList
            items={items}
            onClose={() => {
              setHelp(false);
            }}
          />
        )}
      </Suspense>
    </div>
  );
}

function Content() {
  const permissions = usePermissions();
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // Another page: its start is shown, and screen readers go on there.
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
    main.current?.scrollTo(0, 0);
  }, [location]);
  const routes = offered(
    capabilities.flatMap((capability) => capability.routes.filter((route) => !route.isPublic)),
    permissions,
  );
  const home = navigationFor(permissions)[0]?.path;
  const leadsHome = location === SIGN_IN || (location === "/" && home !== "/");
  const otherwise = leadsHome && home ? <Home path={home} /> : <NotFound />;
  return (
    <main id="content" ref={main} tabIndex={-1} className={styles.content}>
      <Boundary key={location}>
        <RouteList routes={routes} otherwise={otherwise} />
      </Boundary>
    </main>
  );
}

/** Where a sign-in leads: to the page that was asked for, or to the first one of the rail. */
function Home(props: { path: string }) {
  const asked = new URLSearchParams(useSearch()).get("to");
  // Only a path of this application: never the address of another host.
  const to = asked?.startsWith("/") && !asked.startsWith("//") ? asked : props.path;
  return <Redirect to={to} replace />;
}

function NotFound() {
  const t = useShellText();
  return (
    <Page title={t.notFoundTitle}>
      <EmptyState title={t.notFoundTitle} icon="search" action={<LinkButton href="/">{t.home}</LinkButton>}>
        <p>{t.notFoundText}</p>
      </EmptyState>
    </Page>
  );
}

class Boundary extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    return this.state.error === undefined ? this.props.children : <Crashed error={this.state.error} />;
  }
}

function Crashed(props: { error: unknown }) {
  const t = useShellText();
  return (
    <div>
      <ErrorState title={t.crashed} error={props.error} />
      <Button
        onPress={() => {
          globalThis.location.reload();
        }}
      >
        {t.reload}
      </Button>
    </div>
  );
}
