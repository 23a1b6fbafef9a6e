import type { Notification } from "@realtimestack/client";
import { useCallback, useRef, useState } from "react";
import { Latency } from "../model/latency";
import { append, emptySeries, type Series, SPAN } from "../model/series";

/** How long the page's own posts take until they are here. */
export function useLatency() {
  const latency = useRef(new Latency());
  const [measured, setMeasured] = useState<{
    series: Series;
    last: number | undefined;
    byId: ReadonlyMap<string, number>;
  }>({ series: emptySeries(1), last: undefined, byId: new Map() });
  const add = useCallback((id: string, milliseconds: number | undefined) => {
    if (milliseconds === undefined) return;
    setMeasured(({ series }) => ({
      series: append(series, Date.now() / 1000, [milliseconds], SPAN),
      last: milliseconds,
      byId: new Map([[id, milliseconds]]),
    }));
  }, []);
  const came = useCallback(
    ({ id }: Notification, at: number) => add(id, latency.current.came(id, at)),
    [add],
  );
  const answered = useCallback(
    ({ id }: Notification, begun: number) => add(id, latency.current.answered(id, begun)),
    [add],
  );
  return { ...measured, came, answered };
}
