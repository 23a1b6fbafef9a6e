import type { Health, Stack } from "@realtimestack/client";

/** How the components are, from the stack's status or, without an API server, from the API's health. */
export interface Readiness {
  name: string | undefined;
  ready: boolean;
  message: string;
  rows: readonly Row[];
}

interface Row {
  name: string;
  state: string;
  tone: "good" | "warning" | "bad";
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
      tone: component.state === "Ready" ? "good" : component.ready > 0 ? "warning" : "bad",
      count: `${component.ready}/${component.desired}`,
      ...(component.version ? { version: component.version } : {}),
      ...(component.state !== "Ready" && component.message ? { message: component.message } : {}),
    })),
  };
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
