import type { ReactNode } from "react";
import { act } from "react";
import { createRoot } from "react-dom/client";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** Shows something on a page of its own. */
export async function show(node: ReactNode) {
  const place = document.body.appendChild(document.createElement("div"));
  const root = createRoot(place);
  const render = (next: ReactNode) => act(async () => root.render(next));
  const close = async () => {
    await act(async () => root.unmount());
    place.remove();
  };
  await render(node);
  return { place, render, close };
}
