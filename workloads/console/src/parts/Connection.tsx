import type { ConnectionState } from "@realtimestack/client";
import { useEffect, useState } from "react";
import type { Live, Way } from "../live/useLive";
import { duration, shortened, time } from "../model/format";
import { type Cut, GAP_REASONS, outcome } from "../model/journal";
import { Choice } from "./Choice";
import { Panel } from "./Panel";

/** The bar shows this many milliseconds. */
const SPAN = 10 * 60 * 1000;

/** Cuts that are listed at once. */
const LISTED = 4;

const WAYS = [
  { id: "socketio", name: "Socket.IO" },
  { id: "sse", name: "SSE" },
] as const;

const STATES: Readonly<Record<ConnectionState["status"], string>> = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Cut off, coming back",
  closed: "Closed",
};

/** The line on which everything comes: how it is, and what it has gone through. */
export function Connection({ live, way, onWay }: { live: Live; way: Way; onWay: (way: Way) => void }) {
  const now = useNow();
  const status = live.state?.error ? "refused" : (live.state?.status ?? "connecting");
  const word = status === "refused" ? "Refused" : STATES[status];
  return (
    <Panel
      id="connection"
      title="Connection"
      actions={<Choice label="Transport" hideLabel options={WAYS} value={way} onChange={onWay} />}
    >
      <dl className="facts" data-status={status}>
        <Fact name="State">
          <span className={`light light-${status}`} aria-hidden="true" />
          {word}
          <Retry state={live.state} now={now} />
        </Fact>
        <Fact name="Transport">{live.state?.transport ?? "none yet"}</Fact>
        <Fact name="Cursor">
          <span className="mono" title={live.cursor} data-cursor={live.cursor}>
            {live.cursor === undefined ? "none yet" : shortened(live.cursor)}
          </span>
        </Fact>
        <Fact name="Received">{live.received}</Fact>
        <Fact name="Cuts">{live.journal.count === 0 ? "none" : live.journal.count}</Fact>
      </dl>
      {live.state?.error && <p className="notice notice-bad">{live.state.error.message}</p>}
      {live.expiresAt !== undefined && Date.parse(live.expiresAt) > now && (
        <p className="notice notice-warning">The token expires at {time(live.expiresAt)}.</p>
      )}
      <Bar live={live} now={now} />
      <History live={live} />
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Retry({ state, now }: { state: ConnectionState | undefined; now: number }) {
  if (state?.status !== "reconnecting" || state.retryAt === undefined) return null;
  const left = Math.max(0, Math.ceil((state.retryAt - now) / 1000));
  return <span className="fact-more">{left === 0 ? "trying" : `in ${left} s`}</span>;
}

/** When the page was connected, of the last minutes. */
function Bar({ live, now }: { live: Live; now: number }) {
  const begin = Math.min(live.journal.since, now - 1000);
  const from = Math.max(begin, now - SPAN);
  const width = now - from;
  const cuts = live.journal.cuts.filter((cut) => (cut.resumedAt ?? now) > from);
  const away = cuts.reduce((sum, cut) => sum + (cut.resumedAt ?? now) - Math.max(cut.at, from), 0);
  const percent = (value: number) => `${((value / width) * 100).toFixed(3)}%`;
  const share = 100 - (away / width) * 100;
  const label = `Connected for ${share.toFixed(share > 99.9 || share === 0 ? 0 : 1)} % of the last ${duration(width).replace(/\.\d/, "")}, ${cuts.length} cut${cuts.length === 1 ? "" : "s"}`;
  return (
    <div className="bar-row">
      <div className="bar" role="img" aria-label={label} data-refused={live.state?.error !== undefined}>
        {cuts.map((cut) => (
          <span
            key={cut.at}
            className={cut.gaps.length > 0 ? "bar-cut bar-gap" : "bar-cut"}
            style={{
              left: percent(Math.max(cut.at, from) - from),
              width: percent((cut.resumedAt ?? now) - Math.max(cut.at, from)),
            }}
          />
        ))}
      </div>
      <div className="bar-times" aria-hidden="true">
        <span>{time(from)}</span>
        <span>now</span>
      </div>
    </div>
  );
}

function History({ live }: { live: Live }) {
  const { cuts, gaps, count } = live.journal;
  if (cuts.length === 0 && gaps.length === 0) {
    return (
      <p className="hint">
        Not cut since {time(live.journal.since)}. A cut would stand here, with what was missed and brought in
        again.
      </p>
    );
  }
  return (
    <>
      <ol className="cuts" aria-label="Cuts, newest first">
        {cuts.slice(0, LISTED).map((cut) => (
          <Line key={cut.at} cut={cut} />
        ))}
      </ol>
      {gaps.map((gap) => (
        <p key={gap.at} className="notice notice-warning">
          {time(gap.at)}: a gap: {GAP_REASONS[gap.reason] ?? gap.reason}
        </p>
      ))}
      {cuts.length > LISTED && (
        <details className="more">
          <summary>
            {count - LISTED} earlier cut{count - LISTED === 1 ? "" : "s"}
          </summary>
          <ol className="cuts" aria-label="Earlier cuts">
            {cuts.slice(LISTED).map((cut) => (
              <Line key={cut.at} cut={cut} />
            ))}
          </ol>
        </details>
      )}
    </>
  );
}

function Line({ cut }: { cut: Cut }) {
  const state = cut.resumedAt === undefined ? "open" : cut.gaps.length > 0 ? "gap" : "whole";
  return (
    <li className={`cut cut-${state}`} data-cut={state} data-missed={cut.missed}>
      <span>
        Cut at <time dateTime={new Date(cut.at).toISOString()}>{time(cut.at)}</time>, {outcome(cut)}
      </span>
      <span className="cut-reason">{cut.reason}</span>
    </li>
  );
}

/** The time, each second while the page is seen. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
