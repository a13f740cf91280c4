// The places of bars in a chart. Pure.

export interface Plot {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Bar {
  slot: number;
  slotWidth: number;
  x: number;
  width: number;
  /** From the lowest one up, one for each value. */
  parts: readonly { y: number; height: number }[];
}

/** A round number that is not below `value`: 1, 2, 2.5 or 5 times a power of ten. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 2.5, 5, 10].find((one) => one * power >= value * 0.999999) ?? 10;
  return step * power;
}

/** Few ticks, at round numbers, up to `top`. */
export function ticksOf(top: number): number[] {
  return [0, top / 2, top];
}

export function barLayout(
  periods: readonly { values: readonly (number | null)[]; usual?: number }[],
  plot: Plot,
): { top: number; bars: Bar[] } {
  const sums = periods.map((period) => period.values.reduce<number>((sum, value) => sum + (value ?? 0), 0));
  const top = roundUp(Math.max(0, ...sums, ...periods.map((period) => period.usual ?? 0)));
  const slotWidth = plot.width / Math.max(1, periods.length);
  const width = Math.max(1, Math.min(48, slotWidth * 0.72));
  const bars = periods.map((period, index) => {
    const slot = plot.left + index * slotWidth;
    let bottom = plot.top + plot.height;
    const parts = period.values.map((value) => {
      const height = (plot.height * Math.max(0, value ?? 0)) / top;
      bottom -= height;
      return { y: bottom, height };
    });
    return { slot, slotWidth, x: slot + (slotWidth - width) / 2, width, parts };
  });
  return { top, bars };
}
