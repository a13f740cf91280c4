// The view of the map and the ways to change it: pointer, wheel, keys.
import { useCallback, useEffect, useEffectEvent, useRef, useState, type RefObject } from "react";

import { panned, zoomed, type Place, type Size, type View } from "./projection";

const KEY_STEP = 80;
const ZOOM_STEP = 1.6;

/** The size of an element, as it changes. */
export function useSize(element: RefObject<HTMLElement | null>): Size | undefined {
  const [size, setSize] = useState<Size>();
  useEffect(() => {
    const host = element.current;
    if (!host) return;
    const observer = new ResizeObserver(() => {
      setSize({ width: host.clientWidth, height: host.clientHeight });
    });
    observer.observe(host);
    return () => {
      observer.disconnect();
    };
  }, [element]);
  return size;
}

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [KEY_STEP, 0],
  ArrowRight: [-KEY_STEP, 0],
  ArrowUp: [0, KEY_STEP],
  ArrowDown: [0, -KEY_STEP],
};

export interface MapMoves {
  zoomIn: () => void;
  zoomOut: () => void;
}

/** Listens to the element; `change` gets each new view, `showAll` is called where all is to be shown. */
export function useMapMoves(
  element: RefObject<HTMLElement | null>,
  view: View | undefined,
  size: Size | undefined,
  change: (view: View) => void,
  showAll: () => void,
): MapMoves {
  const pointers = useRef(new Map<number, Place>());
  const zoom = useCallback(
    (factor: number, about?: Place) => {
      if (view && size) change(zoomed(view, factor, about ?? { x: size.width / 2, y: size.height / 2 }, size));
    },
    [view, size, change],
  );
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (!view || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) change(panned(view, ...arrow));
    else if (event.key === "+" || event.key === "=") zoom(ZOOM_STEP);
    else if (event.key === "-") zoom(1 / ZOOM_STEP);
    else if (event.key === "0") showAll();
    else return;
    event.preventDefault();
  });
  const onWheel = useEffectEvent((event: WheelEvent, host: HTMLElement) => {
    event.preventDefault();
    const box = host.getBoundingClientRect();
    const factor = Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) / 300);
    zoom(factor, { x: event.clientX - box.left, y: event.clientY - box.top });
  });
  const onMove = useEffectEvent((event: PointerEvent, host: HTMLElement) => {
    const before = pointers.current.get(event.pointerId);
    if (!before || !view || !size) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    pointers.current.set(event.pointerId, now);
    if (!other) {
      change(panned(view, now.x - before.x, now.y - before.y));
      return;
    }
    // Two fingers: their distance zooms, about the point between them.
    const distance = (one: Place) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));
    const box = host.getBoundingClientRect();
    const about = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
    change(zoomed(view, distance(now) / distance(before), about, size));
  });
  useEffect(() => {
    const host = element.current;
    if (!host) return;
    const ending = new AbortController();
    const { signal } = ending;
    const { current } = pointers;
    host.addEventListener(
      "keydown",
      (event) => {
        onKey(event);
      },
      { signal },
    );
    host.addEventListener(
      "wheel",
      (event) => {
        onWheel(event, host);
      },
      { signal, passive: false },
    );
    host.addEventListener(
      "pointerdown",
      (event) => {
        // A mark keeps its own press.
        if ((event.target as Element).closest("a, button")) return;
        host.setPointerCapture(event.pointerId);
        current.set(event.pointerId, { x: event.clientX, y: event.clientY });
      },
      { signal },
    );
    host.addEventListener(
      "pointermove",
      (event) => {
        onMove(event, host);
      },
      { signal },
    );
    for (const name of ["pointerup", "pointercancel"] as const) {
      host.addEventListener(
        name,
        (event) => {
          current.delete(event.pointerId);
        },
        { signal },
      );
    }
    return () => {
      ending.abort();
      current.clear();
    };
  }, [element]);
  return {
    zoomIn: () => {
      zoom(ZOOM_STEP);
    },
    zoomOut: () => {
      zoom(1 / ZOOM_STEP);
    },
  };
}
