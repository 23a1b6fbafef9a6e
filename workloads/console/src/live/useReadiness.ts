import { type createApi, ProblemError } from "@realtimestack/client";
import { useEffect, useMemo } from "react";
import { ofHealth, ofStack, type Readiness } from "../model/readiness";
import { refusalOf, sentenceOf } from "../model/sentence";
import { usePolled } from "./usePolled";

const PAUSE = 4000;

/** How the components are, each time it is called. The stack is asked for until the token is refused it. */
export function reader(api: Pick<ReturnType<typeof createApi>, "stack" | "health">) {
  let refusal: string | undefined;
  return async (): Promise<Readiness> => {
    try {
      if (refusal === undefined) return ofStack(await api.stack());
    } catch (failure) {
      if (!(failure instanceof ProblemError) || failure.status === 401) throw failure;
      refusal = refusalOf(failure);
    }
    const readiness = ofHealth(await api.health());
    return refusal === undefined ? readiness : { ...readiness, refusal };
  };
}

/** How the components are: by the stack's status, or by the API's health where there is no API server. */
export function useReadiness(api: ReturnType<typeof createApi>, onProblem: (failure: unknown) => void) {
  const read = useMemo(() => reader(api), [api]);
  const { value, failure } = usePolled(read, PAUSE);
  useEffect(() => {
    if (failure !== undefined) onProblem(failure);
  }, [failure, onProblem]);
  return { readiness: value, failure: failure === undefined ? undefined : sentenceOf(failure) };
}
