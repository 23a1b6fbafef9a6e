import { type ConnectionState, createClient, type Notification } from "@realtimestack/client";
import { useCallback, useEffect, useReducer, useRef } from "react";
import { type Arrival, arrive, load } from "../model/arrivals";
import { emptyJournal, type Journal, type JournalEvent, record } from "../model/journal";

/** By what the page listens. */
export type Way = "socketio" | "sse";

/** What the page knows of the stream. */
export interface Live {
  state: ConnectionState | undefined;
  cursor: string | undefined;
  journal: Journal;
  list: readonly Arrival[];
  /** Notifications that came since the page was opened. */
  received: number;
  expiresAt: string | undefined;
}

type Action =
  | { kind: "state"; state: ConnectionState }
  | { kind: "journal"; event: JournalEvent }
  | { kind: "arrivals"; arrivals: readonly Arrival[]; cursor: string | undefined }
  | { kind: "stored"; notifications: readonly Notification[] }
  | { kind: "place"; cursor: string | undefined }
  | { kind: "expiring"; at: string }
  | { kind: "clear" };

/** Arrivals of this many milliseconds are drawn at once, so that a busy channel costs few renderings. */
const COLLECTED = 100;

/** The cursor is read after this many milliseconds again. */
const LOOK = 1000;

function reduce(live: Live, action: Action): Live {
  switch (action.kind) {
    case "state":
      return { ...live, state: action.state };
    case "journal":
      return { ...live, journal: record(live.journal, action.event) };
    case "arrivals":
      return {
        ...live,
        list: action.arrivals.reduce(arrive, live.list),
        received: live.received + action.arrivals.length,
        cursor: action.cursor ?? live.cursor,
      };
    case "stored":
      return { ...live, list: load(live.list, action.notifications) };
    case "place":
      return action.cursor === live.cursor ? live : { ...live, cursor: action.cursor };
    case "expiring":
      return { ...live, expiresAt: action.at };
    case "clear":
      return { ...live, list: [] };
  }
}

const initial = (): Live => ({
  state: undefined,
  cursor: undefined,
  journal: emptyJournal(Date.now()),
  list: [],
  received: 0,
  expiresAt: undefined,
});

/** What the stream is to be. */
export interface Wish {
  way: Way;
  channels: readonly string[];
  token: string | undefined;
  /** Each notification, as soon as it is here, with the browser's own clock. */
  onArrival: (notification: Notification, at: number) => void;
  /** The API asks for a token, or for another one. */
  onRefused: (why: string) => void;
}

/** Listens as long as the page is open. Another way of listening goes on from the place of the one before. */
export function useLive({ way, channels, token, onArrival, onRefused }: Wish) {
  const [live, tell] = useReducer(reduce, undefined, initial);
  const place = useRef<string | undefined>(undefined);
  const told = useRef({ onArrival, onRefused });
  told.current = { onArrival, onRefused };
  const names = channels.join(",");
  const wanted = useRef(names);
  wanted.current = names;

  useEffect(() => {
    const client = createClient({
      url: "",
      transport: way,
      ...(names === "" ? {} : { channels: names.split(",") }),
      ...(token === undefined ? {} : { token }),
      ...(place.current === undefined ? {} : { since: place.current }),
    });
    // What was made a moment before the page came is no news that it missed.
    let returns = place.current !== undefined;
    const waiting: Arrival[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      tell({ kind: "arrivals", arrivals: waiting.splice(0), cursor: client.cursor });
    };
    const journal = (event: JournalEvent) => tell({ kind: "journal", event });
    client.on("state", (state) => {
      tell({ kind: "state", state });
      if (state.error?.status === 401) told.current.onRefused(state.error.message);
    });
    client.on("notification", (notification, arrival) => {
      const missed = arrival.missed && returns;
      told.current.onArrival(notification, performance.now());
      if (missed) journal({ kind: "missed" });
      waiting.push({ notification, way: missed ? "missed" : "live" });
      timer ??= setTimeout(flush, COLLECTED);
    });
    client.on("cut", ({ at, reason }) => {
      returns = true;
      journal({ kind: "cut", at, reason });
    });
    client.on("resumed", ({ at, recovered }) => {
      journal({ kind: "resumed", at, recovered });
      timer ??= setTimeout(flush, COLLECTED);
    });
    client.on("gap", ({ reason }) => journal({ kind: "gap", at: Date.now(), reason }));
    client.on("expiring", ({ expiresAt }) => tell({ kind: "expiring", at: expiresAt }));
    // A quiet stream moves on, too.
    const look = setInterval(() => tell({ kind: "place", cursor: client.cursor }), LOOK);
    client.connect();
    return () => {
      place.current = client.cursor;
      clearTimeout(timer);
      clearInterval(look);
      // What waits of channels that were left has no place in the list of others.
      if (waiting.length > 0 && wanted.current === names) flush();
      client.close();
    };
  }, [way, names, token]);

  const loadStored = useCallback(
    (notifications: readonly Notification[]) => tell({ kind: "stored", notifications }),
    [],
  );
  const clear = useCallback(() => tell({ kind: "clear" }), []);
  return { live, loadStored, clear };
}
