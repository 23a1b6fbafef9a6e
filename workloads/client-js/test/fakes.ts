/** A transport and a server that do what the test says. */
import { createClient, type ClientOptions, type ConnectionState, type Opening, type Receiver, type RealtimeClient, type Selection, type Transport } from "@realtimestack/client";

export class FakeTransport implements Transport {
  readonly openings: Opening[] = [];
  readonly wishes: [string, Selection][] = [];
  readonly refreshed: string[] = [];
  closed = 0;
  /** Thrown by the next wish or refresh. */
  failure: Error | undefined;
  constructor(readonly receiver: Receiver) {}
  open(opening: Opening): void {
    this.openings.push(opening);
  }
  close(): void {
    this.closed += 1;
  }
  async change(wish: "subscribe" | "unsubscribe", names: Selection, result: Opening): Promise<Selection> {
    this.wishes.push([wish, names]);
    this.#fail();
    return result.channels;
  }
  async refresh(token: string): Promise<void> {
    this.refreshed.push(token);
    this.#fail();
  }
  #fail(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}

export function fake(options: Partial<ClientOptions> = {}): { client: RealtimeClient; transports: FakeTransport[]; transport: FakeTransport } {
  const transports: FakeTransport[] = [];
  const transportFactory = (receiver: Receiver) => {
    const transport = new FakeTransport(receiver);
    transports.push(transport);
    return transport;
  };
  const client = createClient({ url: "http://api.test", transportFactory, ...options });
  return { client, transports, transport: transports[0]! };
}

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

type Reply = { status?: number; body?: unknown; headers?: Record<string, string> } | Error;

/** A `fetch` that gives one reply after the other, and the last one for ever. */
export function server(...replies: Reply[]): { fetch: typeof fetch; requests: Request[] } {
  const requests: Request[] = [];
  const answer = async (input: unknown, init: RequestInit = {}) => {
    const body = typeof init.body === "string" ? (JSON.parse(init.body) as unknown) : undefined;
    requests.push({ method: init.method ?? "GET", url: String(input), headers: { ...(init.headers as Record<string, string>) }, body });
    const reply = replies.length > 1 ? replies.shift()! : replies[0]!;
    if (reply instanceof Error) throw reply;
    const { status = 200, body: said = {}, headers = {} } = reply;
    return new Response(status === 204 ? null : JSON.stringify(said), { status, headers });
  };
  return { fetch: answer as typeof fetch, requests };
}

export function notification(id: string, more: object = {}) {
  return { id, message: `message ${id}`, type: "info", channel: "default", status: "processed", timestamp: "2026-11-21T10:00:00.000Z", ...more };
}

/** A token, signed by nobody. */
export function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part(claims)}.`;
}

/** Until what was begun has gone on as far as it can without time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Until the state fits. */
export function until(client: RealtimeClient, fits: (state: ConnectionState) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const off = client.on("state", (state) => {
      if (!fits(state)) return;
      off();
      resolve();
    });
  });
}
