// The map: a net of degrees, marks, a scale. It draws coordinates by itself and needs no network.
import { useRef } from "react";

import { useFormats } from "../../formats";
import { IconButton, Link, useUiText } from "../../ui";
import styles from "./map.module.css";
import { clusters, fit, net, scaleBar, type Cluster, type Size, type View } from "./projection";
import { radiusOf, SiteMark } from "./SiteMark";
import { sum, totalOf, worstOf, type Counts, type MappedSite } from "./stations_by_site";
import { useText, type Text } from "./text";
import { nameOf } from "./tree";
import { useMapMoves, useSize } from "./useMap";

const SCALE_PX = 120;

export function SiteMap(props: {
  sites: readonly MappedSite[];
  /** Undefined: the view that shows all. */
  view: View | undefined;
  chosen: string;
  hrefOf: (siteId: string) => string;
  onView: (view: View | undefined) => void;
}) {
  const t = useText();
  const host = useRef<HTMLDivElement>(null);
  const size = useSize(host);
  const { sites, onView } = props;
  const view = size && (props.view ?? fit(sites, size));
  const showAll = () => {
    onView(undefined);
  };
  const moves = useMapMoves(host, view, size, onView, showAll);
  return (
    <div className={styles.frame}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- keys move and zoom the map */}
      <div ref={host} className={styles.host} role="group" aria-label={t.mapKeys} tabIndex={0}>
        {view && <Drawing {...props} view={view} size={size} />}
      </div>
      <div className={styles.buttons}>
        <IconButton label={t.zoomIn} icon="plus" onPress={moves.zoomIn} />
        <IconButton label={t.zoomOut} icon="minus" onPress={moves.zoomOut} />
        <IconButton label={t.showAll} icon="expand" onPress={showAll} />
      </div>
    </div>
  );
}

function Drawing(props: Parameters<typeof SiteMap>[0] & { view: View; size: Size }) {
  const { view, size, sites, chosen } = props;
  return (
    <svg className={styles.svg} width={size.width} height={size.height}>
      <Net view={view} size={size} />
      {clusters(sites, view, size).map((cluster) => (
        <Mark
          key={cluster.items[0]?.site.siteId}
          cluster={cluster}
          chosen={chosen}
          hrefOf={props.hrefOf}
          onOpen={() => {
            props.onView(fit(cluster.items, size));
          }}
        />
      ))}
      <Scale view={view} size={size} />
    </svg>
  );
}

function Net(props: { view: View; size: Size }) {
  const { width, height } = props.size;
  const { meridians, parallels, digits } = net(props.view, props.size);
  return (
    <g aria-hidden="true" className={styles.net}>
      {meridians.map(({ degrees, at }) => (
        <g key={degrees}>
          <line x1={at} x2={at} y1={0} y2={height} />
          <text x={at + 4} y={height - 6}>{`${Math.abs(degrees).toFixed(digits)}° ${degrees < 0 ? "W" : "E"}`}</text>
        </g>
      ))}
      {parallels.map(({ degrees, at }) => (
        <g key={degrees}>
          <line x1={0} x2={width} y1={at} y2={at} />
          <text x={4} y={at - 4}>{`${Math.abs(degrees).toFixed(digits)}° ${degrees < 0 ? "S" : "N"}`}</text>
        </g>
      ))}
    </g>
  );
}

function Scale(props: { view: View; size: Size }) {
  const formats = useFormats();
  const { metres, pixels } = scaleBar(props.view, SCALE_PX);
  const text = metres >= 1000 ? `${formats.number(metres / 1000)} km` : `${formats.number(metres)} m`;
  const [x, y] = [props.size.width - pixels - 16, props.size.height - 28];
  return (
    <g className={styles.scale} transform={`translate(${String(x)} ${String(y)})`}>
      <path d={`M0 -5V0H${String(pixels)}V-5`} />
      <text x={pixels / 2} y={-8} textAnchor="middle">
        {text}
      </text>
    </g>
  );
}

function describe(name: string, counts: Counts, t: Text, words: Readonly<Record<string, string>>): string {
  const worst = worstOf(counts);
  const count = worst ? (counts.get(worst) ?? 0) : 0;
  return t.mark(name, totalOf(counts), worst ? `${String(count)} ${words[worst] ?? worst}` : "");
}

function Mark(props: {
  cluster: Cluster<MappedSite>;
  chosen: string;
  hrefOf: (siteId: string) => string;
  onOpen: () => void;
}) {
  const t = useText();
  const words = useUiText().states;
  const { cluster, chosen } = props;
  const [first] = cluster.items;
  if (!first) return null;
  const counts = sum(cluster.items.map((item) => item.counts));
  const isMany = cluster.items.length > 1;
  const name = isMany ? t.sitesAt(cluster.items.length, nameOf(first.site)) : nameOf(first.site);
  const label = describe(name, counts, t, words);
  const isChosen = cluster.items.some(({ site }) => site.siteId === chosen);
  const mark = (
    <>
      <title>{label}</title>
      <SiteMark counts={counts} isChosen={isChosen} sites={cluster.items.length} />
      <text className={styles.name} textAnchor="middle" y={radiusOf(totalOf(counts)) + 18}>
        {isMany ? t.sitesCount(cluster.items.length) : name}
      </text>
    </>
  );
  return (
    <g transform={`translate(${String(cluster.x)} ${String(cluster.y)})`}>
      {isMany ? (
        <MarkButton label={label} onPress={props.onOpen}>
          {mark}
        </MarkButton>
      ) : (
        <Link href={props.hrefOf(first.site.siteId)} aria-label={label} className={styles.mark}>
          {mark}
        </Link>
      )}
    </g>
  );
}

/** A button within SVG, where HTML's own cannot be. */
function MarkButton(props: { label: string; onPress: () => void; children: React.ReactNode }) {
  return (
    <g
      role="button"
      tabIndex={0}
      aria-label={props.label}
      className={styles.mark}
      onClick={props.onPress}
      onPointerDown={(event) => {
        event.stopPropagation();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        props.onPress();
      }}
    >
      {props.children}
    </g>
  );
}
