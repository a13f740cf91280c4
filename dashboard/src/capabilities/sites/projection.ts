// The map's arithmetic: Web Mercator, views, clusters, the lines of the net, and the scale. Pure.

export interface Point {
  latitude: number;
  longitude: number;
}

/** The middle of the map, and the width of the whole earth in pixels. */
export interface View extends Point {
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Place {
  x: number;
  y: number;
}

export interface Cluster<T> extends Place {
  items: readonly T[];
}

// The projection ends here: beyond it, its y grows without a bound.
const MOST_LATITUDE = 85;
const LEAST_SCALE = 256;
// A pixel is about fifteen centimetres then.
const MOST_SCALE = 256 * 2 ** 20;
const EARTH_M = 40_075_017;
const SINGLE_SCALE = 256 * 2 ** 13;

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** The place on the unit square: x to the east, y to the south. */
export function project({ latitude, longitude }: Point): Place {
  const radians = (clamp(latitude, -MOST_LATITUDE, MOST_LATITUDE) * Math.PI) / 180;
  return { x: (longitude + 180) / 360, y: (1 - Math.asinh(Math.tan(radians)) / Math.PI) / 2 };
}

export function unproject({ x, y }: Place): Point {
  return { latitude: (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI, longitude: x * 360 - 180 };
}

export function toPixels(point: Point, view: View, size: Size): Place {
  const [place, middle] = [project(point), project(view)];
  return {
    x: (place.x - middle.x) * view.scale + size.width / 2,
    y: (place.y - middle.y) * view.scale + size.height / 2,
  };
}

export function toPoint(place: Place, view: View, size: Size): Point {
  const middle = project(view);
  return unproject({
    x: middle.x + (place.x - size.width / 2) / view.scale,
    y: middle.y + (place.y - size.height / 2) / view.scale,
  });
}

function kept(view: View): View {
  return {
    latitude: clamp(view.latitude, -MOST_LATITUDE, MOST_LATITUDE),
    longitude: clamp(view.longitude, -180, 180),
    scale: clamp(view.scale, LEAST_SCALE, MOST_SCALE),
  };
}

/** The view that has all points within its margin. One point, or none, is shown from a usual height. */
export function fit(points: readonly Point[], size: Size, margin = 48): View {
  if (points.length === 0) return { latitude: 30, longitude: 10, scale: Math.max(LEAST_SCALE, size.width) };
  const places = points.map(project);
  const [xs, ys] = [places.map(({ x }) => x), places.map(({ y }) => y)];
  const [west, east] = [Math.min(...xs), Math.max(...xs)];
  const [north, south] = [Math.min(...ys), Math.max(...ys)];
  const horizontal = Math.max(1, size.width - 2 * margin) / Math.max(east - west, 1e-9);
  const vertical = Math.max(1, size.height - 2 * margin) / Math.max(south - north, 1e-9);
  // At one and the same place there is nothing to fit.
  const isOne = east - west < 1e-9 && south - north < 1e-9;
  const scale = isOne ? SINGLE_SCALE : Math.min(horizontal, vertical);
  return kept({ ...unproject({ x: (west + east) / 2, y: (north + south) / 2 }), scale });
}

export function panned(view: View, dx: number, dy: number): View {
  const middle = project(view);
  return kept({ ...unproject({ x: middle.x - dx / view.scale, y: middle.y - dy / view.scale }), scale: view.scale });
}

/** Zooms so that the point below `about` stays where it is. */
export function zoomed(view: View, factor: number, about: Place, size: Size): View {
  const scale = clamp(view.scale * factor, LEAST_SCALE, MOST_SCALE);
  const [point, middle] = [project(toPoint(about, view, size)), { x: size.width / 2, y: size.height / 2 }];
  return kept({
    ...unproject({ x: point.x - (about.x - middle.x) / scale, y: point.y - (about.y - middle.y) / scale }),
    scale,
  });
}

/** Items that would lie over each other as one; the result depends on the order of the items alone, not on the pan. */
export function clusters<T extends Point>(items: readonly T[], view: View, size: Size, apart = 44): Cluster<T>[] {
  const found: { x: number; y: number; items: T[] }[] = [];
  const cells = new Map<string, (typeof found)[number][]>();
  const cellOf = ({ x, y }: Place) => [Math.floor(x / apart), Math.floor(y / apart)] as const;
  for (const item of items) {
    const place = project(item);
    const pixel = { x: place.x * view.scale, y: place.y * view.scale };
    const [column, row] = cellOf(pixel);
    const near = [-1, 0, 1]
      .flatMap((dx) => [-1, 0, 1].flatMap((dy) => cells.get(`${String(column + dx)}/${String(row + dy)}`) ?? []))
      .find((one) => Math.hypot(one.x - pixel.x, one.y - pixel.y) < apart);
    if (near) {
      near.items.push(item);
      continue;
    }
    const made = { ...pixel, items: [item] };
    found.push(made);
    const key = `${String(column)}/${String(row)}`;
    cells.set(key, [...(cells.get(key) ?? []), made]);
  }
  const middle = project(view);
  const [left, top] = [middle.x * view.scale - size.width / 2, middle.y * view.scale - size.height / 2];
  return found
    .map((one) => ({ ...one, x: one.x - left, y: one.y - top }))
    .filter(({ x, y }) => x > -apart && y > -apart && x < size.width + apart && y < size.height + apart);
}

const NET_STEPS = [
  45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001,
];

export interface NetLine {
  degrees: number;
  at: number;
}

/** The meridians and parallels of the view, at round degrees, and the digits that these have. */
export function net(view: View, size: Size): { meridians: NetLine[]; parallels: NetLine[]; digits: number } {
  const [first, last] = [toPoint({ x: 0, y: 0 }, view, size), toPoint({ x: size.width, y: size.height }, view, size)];
  const span = last.longitude - first.longitude;
  const step = NET_STEPS.findLast((one) => span / one <= Math.max(2, size.width / 110)) ?? 45;
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  const between = (from: number, to: number) => {
    const count = Math.max(0, Math.floor(to / step) - Math.ceil(from / step) + 1);
    return Array.from({ length: count }, (_, index) => (Math.ceil(from / step) + index) * step);
  };
  const at = (point: Point) => toPixels(point, view, size);
  return {
    meridians: between(Math.max(-180, first.longitude), Math.min(180, last.longitude)).map((degrees) => ({
      degrees,
      at: at({ latitude: view.latitude, longitude: degrees }).x,
    })),
    parallels: between(Math.max(-MOST_LATITUDE, last.latitude), Math.min(MOST_LATITUDE, first.latitude)).map(
      (degrees) => ({ degrees, at: at({ latitude: degrees, longitude: view.longitude }).y }),
    ),
    digits,
  };
}

/** The longest round distance that fits into the pixels, in the middle of the view. */
export function scaleBar(view: View, mostPixels: number): { metres: number; pixels: number } {
  const metresPerPixel = (EARTH_M * Math.cos((view.latitude * Math.PI) / 180)) / view.scale;
  const most = metresPerPixel * mostPixels;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = ([5, 2, 1].find((one) => one * power <= most) ?? 1) * power;
  return { metres, pixels: metres / metresPerPixel };
}

/** The view as a text of the URL: latitude, longitude, scale. */
export function writeView(view: View): string {
  return [view.latitude.toFixed(5), view.longitude.toFixed(5), String(Math.round(view.scale))].join(",");
}

export function readView(text: string): View | undefined {
  const [latitude, longitude, scale] = text.split(",").map(Number);
  if (latitude === undefined || longitude === undefined || scale === undefined) return undefined;
  if (![latitude, longitude, scale].every(Number.isFinite)) return undefined;
  return kept({ latitude, longitude, scale });
}
