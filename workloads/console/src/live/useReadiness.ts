import { type createApi, ProblemError } from "@realtimestack/client";
import { useCallback, useEffect } from "react";
import { ofHealth, ofStack, type Readiness } from "../model/readiness";
import { sentenceOf } from "../model/sentence";
import { usePolled } from "./usePolled";

const PAUSE = 4000;

/** How the components are: by the stack's status, or by the API's health where there is no API server. */
export function useReadiness(api: ReturnType<typeof createApi>, onProblem: (failure: unknown) => void) {
  const read = useCallback(async (): Promise<Readiness> => {
    try {
      return ofStack(await api.stack());
    } catch (failure) {
      if (!(failure instanceof ProblemError) || failure.status === 401) throw failure;
      return ofHealth(await api.health());
    }
  }, [api]);
  const { value, failure } = usePolled(read, PAUSE);
  useEffect(() => {
    if (failure !== undefined) onProblem(failure);
  }, [failure, onProblem]);
  return { readiness: value, failure: failure === undefined ? undefined : sentenceOf(failure) };
}
