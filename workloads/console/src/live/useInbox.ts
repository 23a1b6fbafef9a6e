import { type createApi, createClient, type Inbox } from "@realtimestack/client";
import { useEffect, useRef, useState } from "react";
import { sentenceOf } from "../model/sentence";
import { joined } from "./joined";

/** Notifications of an inbox that are shown. */
const SHOWN = 30;

/** The inbox of a user; `me` is the user of the token. It is read again whenever something comes into it, or may have come. */
export function useInbox(
  api: ReturnType<typeof createApi>,
  user: string,
  token: string | undefined,
  onProblem: (failure: unknown) => void,
) {
  const [page, setPage] = useState<Inbox | undefined>();
  const [failure, setFailure] = useState<string | undefined>();
  const again = useRef(async () => {});
  useEffect(() => {
    setPage(undefined);
    setFailure(undefined);
    if (user === "") return;
    let over = false;
    const read = joined(async () => {
      try {
        const inbox = await api.inbox(user, { limit: SHOWN });
        if (over) return;
        setPage(inbox);
        setFailure(undefined);
      } catch (problem) {
        if (over) return;
        onProblem(problem);
        setFailure(sentenceOf(problem));
      }
    });
    again.current = read;
    const client = createClient({
      url: "",
      transport: "sse",
      channels: [],
      ...(token === undefined ? {} : { token }),
    });
    client.on("notification", () => void read());
    client.on("gap", () => void read());
    client.on("state", ({ status }) => {
      if (status === "connected") void read();
    });
    const listen = async () => {
      const name = user === "me" ? await client.user() : user;
      if (name === undefined || over) return;
      await client.subscribe(`user:${name}`);
      if (!over) client.connect();
    };
    void listen();
    void read();
    return () => {
      over = true;
      client.close();
    };
  }, [api, user, token, onProblem]);
  const change = async (write: () => Promise<unknown>) => {
    try {
      await write();
      await again.current();
    } catch (problem) {
      onProblem(problem);
      setFailure(sentenceOf(problem));
    }
  };
  return { page, failure, change: (write: () => Promise<unknown>) => void change(write) };
}
