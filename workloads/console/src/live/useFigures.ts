import type { createApi, Figures } from "@realtimestack/client";
import { useCallback, useEffect, useRef, useState } from "react";
import { advance, type Known, type Totals } from "../model/rates";
import { refusalOf, sentenceOf } from "../model/sentence";
import { append, emptySeries, type Series, SPAN } from "../model/series";
import { usePolled } from "./usePolled";

const PAUSE = 2000;

interface Lines {
  connections: Series;
  delivered: Series;
  published: Series;
  totals: Totals | undefined;
}

const NONE: Lines = {
  connections: emptySeries(3),
  delivered: emptySeries(1),
  published: emptySeries(1),
  totals: undefined,
};

/** Figures of all instances as lines over time. */
export function useFigures(api: ReturnType<typeof createApi>, onProblem: (failure: unknown) => void) {
  const known = useRef<Known>(new Map());
  const [drawn, setDrawn] = useState(NONE);
  const read = useCallback(() => api.figures(), [api]);
  const onValue = useCallback((figures: Figures) => {
    const step = advance(known.current, figures.instances);
    known.current = step.known;
    const { totals } = step;
    const at = Date.now() / 1000;
    setDrawn((before) => ({
      connections: append(before.connections, at, [totals.websocket, totals.sse, totals.polling], SPAN),
      delivered: append(before.delivered, at, [totals.delivered], SPAN),
      published: append(before.published, at, [totals.published], SPAN),
      totals,
    }));
  }, []);
  const { value, failure } = usePolled(read, PAUSE, onValue);
  useEffect(() => {
    if (failure !== undefined) onProblem(failure);
  }, [failure, onProblem]);
  return {
    drawn,
    told: value,
    failure: failure === undefined ? undefined : sentenceOf(failure),
    refusal: refusalOf(failure),
  };
}
