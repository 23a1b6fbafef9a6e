import { useCallback, useState } from "react";

const NAME = "realtime-token";

/** The token of this tab, which is forgotten with it. */
export function useToken() {
  const [token, setToken] = useState<string | undefined>(() => read());
  const [asked, setAsked] = useState<string | undefined>();
  /** Keeps a token, or forgets the one that is kept. */
  const keep = useCallback((text: string | undefined) => {
    write(text);
    setToken(text);
    setAsked(undefined);
  }, []);
  return { token, keep, asked, ask: setAsked };
}

// A browser that is told to store nothing throws; the page then keeps the token until it is loaded again.
function read(): string | undefined {
  try {
    return sessionStorage.getItem(NAME) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(text: string | undefined) {
  try {
    if (text === undefined) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, text);
  } catch {
    // As above.
  }
}
