import type { Health, Stack, StackComponent } from "@realtimestack/client";

/** How the components are, from the stack's status or, without an API server, from the API's health. */
export interface Readiness {
  name: string | undefined;
  ready: boolean;
  message: string;
  rows: readonly Row[];
  /** What the token lacks to be told the stack's status. */
  refusal?: string;
}

interface Row {
  name: string;
  state: string;
  tone: "good" | "warning" | "bad" | "quiet";
  count?: string;
  version?: string;
  message?: string;
}

/** Readiness of a stack. */
export function ofStack(stack: Stack): Readiness {
  return {
    name: `${stack.namespace}/${stack.name}`,
    ready: stack.ready,
    message: stack.message,
    rows: stack.components.map((component) => ({
      name: component.name,
      state: component.state,
      tone: toneOf(component),
      count: `${component.ready}/${component.desired}`,
      ...(component.version ? { version: component.version } : {}),
      ...(component.state !== "Ready" && component.message ? { message: component.message } : {}),
    })),
  };
}

function toneOf({ state, ready }: StackComponent): Row["tone"] {
  if (state === "Ready") return "good";
  if (state === "Stopped") return "quiet";
  // What is being replaced, or still has instances, serves all the same.
  return state === "RollingOut" || ready > 0 ? "warning" : "bad";
}

/** The words of a state: `RollingOut` is said "Rolling out". */
export function words(state: string): string {
  const spaced = state.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Readiness of what the API itself needs. */
export function ofHealth(health: Health): Readiness {
  return {
    name: undefined,
    ready: health.status !== "unhealthy",
    message: `the API is ${health.status}`,
    rows: Object.entries(health.services).map(([name, service]) => ({
      name,
      state: service.status,
      tone: service.status === "healthy" ? "good" : "bad",
      ...(service.status !== "healthy" && service.message ? { message: service.message } : {}),
    })),
  };
}
