/** Hooks for React. */
import {
  createContext,
  createElement,
  useCallback,
  useContext,
  useEffect,
  useReducer,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from "react";
import { createClient, type RealtimeClient } from "./client.js";
import type { InboxNotification, Notification } from "./notification.js";
import type { ClientOptions } from "./options.js";
import { EMPTY, change, changeInbox, nothing, type Shown, type ShownInbox } from "./react/collection.js";
import { listen } from "./react/listening.js";
import type { ConnectionState } from "./state.js";

const Context = createContext<RealtimeClient | undefined>(undefined);

export type RealtimeProviderProps = { readonly children?: ReactNode } & (
  | { /** A client of one's own, which the provider connects and leaves connected. */ readonly client: RealtimeClient }
  /** What a client is made with. Those of the first rendering count; give the provider another `key` for others. */
  | { readonly options: ClientOptions }
);

/** Connects while it is mounted. */
export function RealtimeProvider(props: RealtimeProviderProps): ReactNode {
  const given = "client" in props ? props.client : undefined;
  const [made] = useState(() => ("options" in props ? createClient(props.options) : undefined));
  const client = given ?? made;
  useEffect(() => {
    if (client === undefined) return;
    // StrictMode mounts twice: the first of the two opens nothing.
    const begin = setTimeout(() => client.connect(), 0);
    return () => {
      clearTimeout(begin);
      if (given === undefined) client.close();
    };
  }, [client, given]);
  return createElement(Context.Provider, { value: client }, props.children);
}

/** The client of the provider around the component. */
export function useClient(): RealtimeClient {
  const client = useContext(Context);
  if (client === undefined) throw new Error("there is no RealtimeProvider around this component");
  return client;
}

/** The state of the connection. */
export function useConnection(): ConnectionState {
  const client = useClient();
  const subscribe = useCallback((changed: () => void) => client.on("state", changed), [client]);
  const read = () => client.state;
  return useSyncExternalStore(subscribe, read, read);
}

export interface UseNotificationsOptions {
  /** Only of these channels; the client hears them as long as the component is mounted. */
  readonly channels?: readonly string[];
  /** How many are kept, 50 unless given. */
  readonly limit?: number;
  /** Whether the newest are read at the beginning, and again when something was missed for good; they are unless `false`. */
  readonly initial?: boolean;
}

export interface Notifications extends Omit<Shown<Notification>, "items"> {
  /** Newest first. */
  readonly notifications: readonly Notification[];
  /** Shows none of these any more. */
  clear(): void;
}

/** Notifications as they come. */
export function useNotifications({ channels, limit = 50, initial = true }: UseNotificationsOptions = {}): Notifications {
  const client = useClient();
  const [{ items, ...shown }, dispatch] = useReducer(change<Notification>, undefined, nothing<Notification>);
  const key = channels === undefined ? undefined : channels.join(",");
  useEffect(() => {
    const names = key === undefined ? undefined : key.split(",").filter((name) => name !== "");
    const life = new AbortController();
    const load = async () => {
      if (!initial || names?.length === 0) return;
      dispatch({ kind: "begin", limit });
      try {
        const query = { limit: Math.min(limit, 200), signal: life.signal };
        const { items } = await client.api.list(names === undefined ? query : { ...query, channel: names });
        if (!life.signal.aborted) dispatch({ kind: "loaded", items, limit });
      } catch (error) {
        if (!life.signal.aborted) dispatch({ kind: "failed", error: error as Error, limit });
      }
    };
    dispatch({ kind: "cleared", limit });
    const release = listen(client, names, {
      notification: (item) => dispatch({ kind: "arrived", item, limit }),
      gap: () => void load(),
      error: (error) => dispatch({ kind: "failed", error, limit }),
    });
    void load();
    return () => {
      life.abort();
      release();
    };
  }, [client, key, limit, initial]);
  const clear = useCallback(() => dispatch({ kind: "cleared", limit }), [limit]);
  return { ...shown, notifications: items, clear };
}

export interface UseInboxOptions {
  /** How many are kept, 50 unless given. */
  readonly limit?: number;
}

export interface UserInbox extends ShownInbox {
  markRead(id: string): Promise<void>;
  markUnread(id: string): Promise<void>;
  markAllRead(): Promise<void>;
}

/** The inbox of a user, as it fills; `me` is the user of the token. */
export function useInbox(user: string, { limit = 50 }: UseInboxOptions = {}): UserInbox {
  const client = useClient();
  const [inbox, dispatch] = useReducer(changeInbox, EMPTY);
  useEffect(() => {
    const life = new AbortController();
    let release = () => {};
    const fail = (error: unknown) => {
      if (!life.signal.aborted) dispatch({ kind: "failed", error: error as Error, limit });
    };
    const load = async () => {
      dispatch({ kind: "begin", limit });
      const { items, unread } = await client.api.inbox(user, { limit: Math.min(limit, 200), signal: life.signal });
      if (!life.signal.aborted) dispatch({ kind: "loaded", items, unread, limit });
    };
    const begin = async () => {
      const name = user === "me" ? await client.user() : user;
      if (life.signal.aborted) return;
      if (name !== undefined) {
        release = listen(client, [`user:${name}`], {
          notification: (notification) => dispatch({ kind: "arrived", notification, limit }),
          gap: () => void load().catch(fail),
          error: fail,
        });
      }
      await load();
    };
    dispatch({ kind: "reset", limit });
    begin().catch(fail);
    return () => {
      life.abort();
      release();
    };
  }, [client, user, limit]);
  const marked = useCallback(
    async (marking: Promise<InboxNotification>) => dispatch({ kind: "marked", item: await marking, limit }),
    [limit],
  );
  const markRead = useCallback((id: string) => marked(client.api.markRead(user, id)), [client, user, marked]);
  const markUnread = useCallback((id: string) => marked(client.api.markUnread(user, id)), [client, user, marked]);
  const markAllRead = useCallback(async () => {
    await client.api.markAllRead(user);
    dispatch({ kind: "allRead", at: new Date().toISOString(), limit });
  }, [client, user, limit]);
  return { ...inbox, markRead, markUnread, markAllRead };
}
