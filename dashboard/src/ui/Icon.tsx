// Icons of 20 by 20, drawn with lines of 1.5: no asset, no font.
const PATHS = {
  alert: "M10 3 2.5 16.5h15zM10 8v4M10 14.2v.1",
  station:
    "M5 17V4.5A1.5 1.5 0 0 1 6.5 3h5A1.5 1.5 0 0 1 13 4.5V17M3.5 17h11M7.5 6h3M13 9h1.5A1.5 1.5 0 0 1 16 10.5v3a1 1 0 0 0 2 0V8l-2-2",
  bolt: "M11 2.5 4.5 11.5H9l-.5 6 7-9.5H11z",
  session: "M10 5.5v5l3 2M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15z",
  site: "M10 17.5s5.5-5 5.5-9a5.5 5.5 0 1 0-11 0c0 4 5.5 9 5.5 9zM10 10.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  token:
    "M3 6.5A1.5 1.5 0 0 1 4.5 5h11A1.5 1.5 0 0 1 17 6.5v7a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 13.5zM3 8.5h14M6 12h3",
  rollout: "M10 13V3.5M6.5 7 10 3.5 13.5 7M4 12v3.5A1.5 1.5 0 0 0 5.5 17h9a1.5 1.5 0 0 0 1.5-1.5V12",
  report: "M4 16.5h12M6 13.5v-3M10 13.5v-7M14 13.5v-5",
  event: "M4 5h12M4 10h12M4 15h7",
  settings:
    "M3.5 6h7M14.5 6h2M12.5 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM3.5 14h2M9.5 14h7M7.5 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  user: "M10 10a3.25 3.25 0 1 0 0-6.5A3.25 3.25 0 0 0 10 10zM3.75 17a6.25 6.25 0 0 1 12.5 0",
  users:
    "M7.5 10a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5zM2.5 16.5a5 5 0 0 1 10 0M13 4.8a2.75 2.75 0 0 1 0 4.9M14.5 12a5 5 0 0 1 3 4.5",
  key: "M12.5 11.5a4 4 0 1 0-3.8-2.8L3 14.5V17h2.5v-2H7.5v-2h1.8l.9-.9c.7.3 1.5.4 2.3.4zM13.5 7v.1",
  shield: "M10 2.5 4 5v4.5c0 4 2.6 6.6 6 8 3.4-1.4 6-4 6-8V5zM7.5 10l2 2 3.5-4",
  search: "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12zM13.5 13.5 17 17",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  expand: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  close: "M5 5l10 10M15 5 5 15",
  check: "M4 10.5 8 14.5 16 6",
  chevronDown: "M5.5 8 10 12.5 14.5 8",
  chevronRight: "M8 5.5 12.5 10 8 14.5",
  chevronLeft: "M12 5.5 7.5 10 12 14.5",
  chevronUp: "M5.5 12 10 7.5 14.5 12",
  more: "M5 10h.1M10 10h.1M15 10h.1",
  copy: "M7.5 7.5v-3A1 1 0 0 1 8.5 3.5h7a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-3M4.5 7.5h7a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1z",
  columns: "M3.5 4.5h13v11h-13zM8 4.5v11M12.5 4.5v11",
  filter: "M3.5 5h13M6 10h8M8.5 15h3",
  download: "M10 3.5V13M6.5 9.5 10 13l3.5-3.5M4 16.5h12",
  refresh: "M16 10a6 6 0 1 1-1.8-4.3L16 7.5M16 3.5v4h-4",
  play: "M6.5 4.5v11l9-5.5z",
  stop: "M5.5 5.5h9v9h-9z",
  pause: "M7 5v10M13 5v10",
  power: "M10 3v7M6 5.5a6 6 0 1 0 8 0",
  unlock: "M5.5 9h9a1 1 0 0 1 1 1v6a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-6a1 1 0 0 1 1-1zM7 9V6.5a3 3 0 0 1 5.7-1.3",
  terminal: "M3.5 4.5h13v11h-13zM6.5 8 8.5 10l-2 2M10.5 12.5h3",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.7 10.5h7.6L14.5 6",
  edit: "M12.5 4.5 15.5 7.5 7 16H4v-3z",
  sun: "M10 13.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM10 2.5v1.6M10 15.9v1.6M2.5 10h1.6M15.9 10h1.6M4.7 4.7l1.1 1.1M14.2 14.2l1.1 1.1M15.3 4.7l-1.1 1.1M5.8 14.2l-1.1 1.1",
  moon: "M16 11.8A6.5 6.5 0 0 1 8.2 4a6.5 6.5 0 1 0 7.8 7.8z",
  globe:
    "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM2.5 10h15M10 2.5c2 2 3 4.6 3 7.5s-1 5.5-3 7.5c-2-2-3-4.6-3-7.5s1-5.5 3-7.5z",
  signOut: "M8 17H4.5a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1H8M13 13.5l3.5-3.5L13 6.5M16.5 10H8",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  info: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM10 9v4.5M10 6.4v.1",
  help: "M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15zM7.8 7.8a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M10 14v.1",
  link: "M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 0 0-4.2-4.2l-1 1M11.5 8.5a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 0 0 4.2 4.2l1-1",
  firmware: "M6 6h8v8H6zM8 3.5V6M12 3.5V6M8 14v2.5M12 14v2.5M3.5 8H6M3.5 12H6M14 8h2.5M14 12h2.5",
  calendar: "M4 5.5h12v11H4zM4 9h12M7 3.5v3M13 3.5v3",
  list: "M7 5.5h9.5M7 10h9.5M7 14.5h9.5M3.7 5.5h.1M3.7 10h.1M3.7 14.5h.1",
  rail: "M3.5 4.5h13v11h-13zM8 4.5v11",
  plug: "M7 3v4M13 3v4M5 7h10v2.5a5 5 0 0 1-10 0zM10 14.5V18",
  wifiOff:
    "M3 3l14 14M5 10.5a7 7 0 0 1 3-1.8M12.5 9a7 7 0 0 1 2.5 1.5M2.5 7.5A11 11 0 0 1 5 6M9 5.1a11 11 0 0 1 8.5 2.4M7.5 13a3.6 3.6 0 0 1 5 0M10 16v.1",
  chart: "M3.5 16.5v-13M3.5 16.5h13M6 13l3-4 3 2 4-6",
  card: "M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon; it has no name of its own for screen readers: the control around it has one. */
export function Icon(props: { name: IconName; size?: number; className?: string }) {
  const size = props.size ?? 20;
  return (
    <svg
      aria-hidden="true"
      className={props.className}
      width={size}
      height={size}
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[props.name]} />
    </svg>
  );
}
