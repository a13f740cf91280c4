// Bars over periods, stacked where there are several series, with the same figures as a table beside it.
import { useEffect, useRef, useState, type KeyboardEvent } from "react";

import { useFormats } from "../formats/Time";
import { Button, cx } from "../ui";
import styles from "./BarChart.module.css";
import { barLayout, ticksOf } from "./bars";
import { useChartText } from "./text";

export interface BarPeriod {
  key: string;
  /** Below the bar; those that do not fit are left out. */
  label: string;
  /** In the read-out and the table. */
  title: string;
  /** One for each series; null where there is no value. */
  values: readonly (number | null)[];
  /** A mark across the bar: the usual value. */
  usual?: number;
}

export interface BarSeries {
  label: string;
  /** Look of the bars. */
  look: "main" | "doubted";
}

export interface BarChartProps {
  label: string;
  unit: string;
  digits?: number;
  periods: readonly BarPeriod[];
  series: readonly BarSeries[];
  /** Name of the marks across the bars. */
  usualLabel?: string;
  height?: number;
}

function useWidth() {
  const host = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  return { host, width };
}

export function BarChart(props: BarChartProps) {
  const t = useChartText();
  const [asTable, setAsTable] = useState(false);
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>
        <span>{`${props.label} (${props.unit})`}</span>
        <Button
          small
          kind="quiet"
          icon={asTable ? "chart" : "list"}
          onPress={() => {
            setAsTable(!asTable);
          }}
        >
          {asTable ? t.asChart : t.asTable}
        </Button>
      </figcaption>
      {asTable ? <BarTable {...props} /> : <Bars {...props} />}
    </figure>
  );
}

function Bars(props: BarChartProps) {
  const t = useChartText();
  const formats = useFormats();
  const { host, width } = useWidth();
  const [active, setActive] = useState<number>();
  const { periods } = props;
  const digits = props.digits ?? 2;
  const readout = (index: number) => {
    const period = periods[index];
    if (!period) return "";
    const values = props.series.map(({ label }, place) => {
      const value = period.values[place];
      return `${label}: ${value == null ? "–" : `${formats.number(value, digits)} ${props.unit}`}`;
    });
    const usual =
      period.usual === undefined
        ? []
        : [`${props.usualLabel ?? ""}: ${formats.number(period.usual, digits)} ${props.unit}`];
    return [period.title, ...values, ...usual].join(" · ");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const from = active ?? (step > 0 ? -1 : periods.length);
    setActive(Math.max(0, Math.min(periods.length - 1, from + step)));
  };
  return (
    <>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- its keys only move the read-out */}
      <div
        ref={host}
        role="group"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- arrow keys go from bar to bar
        tabIndex={0}
        aria-label={t.described(props.label)}
        className={styles.host}
        onKeyDown={onKeyDown}
        onPointerLeave={() => {
          setActive(undefined);
        }}
        onBlur={() => {
          setActive(undefined);
        }}
      >
        {width > 0 && <Drawing {...props} width={width} active={active} onActive={setActive} />}
      </div>
      <p className={styles.readout} aria-live="polite">
        {active === undefined ? "\u00A0" : readout(active)}
      </p>
    </>
  );
}

const LEFT = 44;
const BOTTOM = 18;
const TOP = 6;

function Drawing(
  props: BarChartProps & { width: number; active: number | undefined; onActive: (index: number) => void },
) {
  const formats = useFormats();
  const { periods, width, active } = props;
  const height = props.height ?? 160;
  const plot = { left: LEFT, top: TOP, width: Math.max(10, width - LEFT), height: height - TOP - BOTTOM };
  const { top, bars } = barLayout(periods, plot);
  const y = (value: number) => plot.top + plot.height * (1 - value / top);
  const every = Math.max(1, Math.ceil((periods.length * 40) / plot.width));
  return (
    <svg width={width} height={height} className={styles.svg} aria-hidden="true">
      {ticksOf(top).map((tick) => (
        <g key={tick}>
          <line x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} className={styles.line} />
          <text x={LEFT - 6} y={y(tick) + 4} textAnchor="end" className={styles.text}>
            {formats.number(tick)}
          </text>
        </g>
      ))}
      {bars.map((bar, index) => {
        const period = periods[index];
        if (!period) return null;
        return (
          <g key={period.key} className={cx(index === active && styles.active)}>
            {bar.parts.map((part, place) => (
              <rect
                key={place}
                x={bar.x}
                width={bar.width}
                y={part.y}
                height={part.height}
                className={styles[props.series[place]?.look ?? "main"]}
              />
            ))}
            {period.usual !== undefined && (
              <line
                x1={bar.x - 1}
                x2={bar.x + bar.width + 1}
                y1={y(period.usual)}
                y2={y(period.usual)}
                className={styles.usual}
              />
            )}
            {index % every === 0 && (
              <text x={bar.x + bar.width / 2} y={height - 4} textAnchor="middle" className={styles.text}>
                {period.label}
              </text>
            )}
            <rect
              x={bar.slot}
              y={plot.top}
              width={bar.slotWidth}
              height={plot.height + BOTTOM}
              className={styles.touch}
              onPointerEnter={() => {
                props.onActive(index);
              }}
            />
          </g>
        );
      })}
    </svg>
  );
}

function BarTable(props: BarChartProps) {
  const t = useChartText();
  const formats = useFormats();
  const digits = props.digits ?? 2;
  const usual = props.usualLabel !== undefined && props.periods.some((period) => period.usual !== undefined);
  const text = (value: number | null | undefined) => (value == null ? "–" : formats.number(value, digits));
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
    <div className={styles.tableBox} tabIndex={0} role="region" aria-label={props.label}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t.time}</th>
            {props.series.map((one) => (
              <th key={one.label} scope="col">{`${one.label} (${props.unit})`}</th>
            ))}
            {usual && <th scope="col">{`${props.usualLabel ?? ""} (${props.unit})`}</th>}
          </tr>
        </thead>
        <tbody>
          {props.periods.map((period) => (
            <tr key={period.key}>
              <td>{period.title}</td>
              {props.series.map((one, place) => (
                <td key={one.label}>{text(period.values[place])}</td>
              ))}
              {usual && <td>{text(period.usual)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
