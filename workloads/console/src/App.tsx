import { createApi, type Notification } from "@realtimestack/client";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useToken } from "./live/token";
import { useFigures } from "./live/useFigures";
import { useLatency } from "./live/useLatency";
import { useLive, type Way } from "./live/useLive";
import { useReadiness } from "./live/useReadiness";
import { useTheme } from "./live/useTheme";
import { sentenceOf, statusOf } from "./model/sentence";
import { Announcer } from "./parts/Announcer";
import { Components } from "./parts/Components";
import { Connection } from "./parts/Connection";
import { Figures } from "./parts/Figures";
import { Header } from "./parts/Header";
import { Inbox } from "./parts/Inbox";
import { Notifications } from "./parts/Notifications";
import { Publish } from "./parts/Publish";
import { TokenGate } from "./parts/TokenGate";

/** Stored notifications that are shown at first. */
const STORED = 50;

/** The page, a new one for each token: what one user has seen is not left to the next. */
export function App() {
  const identity = useToken();
  const look = useTheme();
  return <Page key={identity.token ?? ""} identity={identity} look={look} />;
}

function Page({
  identity: { token, keep, asked, ask },
  look: { theme, setTheme, dark },
}: {
  identity: ReturnType<typeof useToken>;
  look: ReturnType<typeof useTheme>;
}) {
  const [way, setWay] = useState<Way>("socketio");
  const [channels, setChannels] = useState<readonly string[]>([]);
  const api = useMemo(() => createApi({ url: "", ...(token === undefined ? {} : { token }) }), [token]);
  // What is asked again every few seconds needs no further try.
  const reader = useMemo(
    () => createApi({ url: "", retries: 0, ...(token === undefined ? {} : { token }) }),
    [token],
  );
  const onProblem = useCallback(
    (failure: unknown) => {
      if (statusOf(failure) === 401) ask(sentenceOf(failure));
    },
    [ask],
  );
  const latency = useLatency();
  const { live, loadStored, clear } = useLive({
    way,
    channels,
    token,
    onArrival: latency.came,
    onRefused: ask,
  });
  const stored = useStored(api, channels, loadStored, onProblem);
  const figures = useFigures(reader, onProblem);
  const { readiness, failure } = useReadiness(reader, onProblem);
  const hear = (names: readonly string[]) => {
    clear();
    setChannels(names);
  };
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <a className="skip" href="#publish">
        Skip to publishing
      </a>
      <Header
        stack={readiness?.name}
        readiness={readiness}
        theme={theme}
        onTheme={setTheme}
        signedIn={token !== undefined}
        onSignOut={() => keep(undefined)}
      />
      <main id="main" tabIndex={-1}>
        {asked !== undefined && <TokenGate why={asked} onToken={keep} />}
        <Connection live={live} way={way} onWay={setWay} />
        <Figures
          drawn={{ ...figures.drawn, latency: latency.series, lastLatency: latency.last }}
          told={figures.told}
          failure={figures.failure}
          refusal={figures.refusal}
          dark={dark}
        />
        <div className="columns">
          <Notifications
            list={live.list}
            loaded={stored.loaded || live.list.length > 0}
            failure={stored.failure}
            channels={channels}
            onChannels={hear}
            onClear={clear}
          />
          <div className="side">
            <Publish
              api={api}
              onPublished={latency.answered}
              onProblem={onProblem}
              latencies={latency.byId}
            />
            <Components readiness={readiness} failure={failure} />
            <Inbox api={api} token={token} onProblem={onProblem} />
          </div>
        </div>
      </main>
      <footer className="foot">
        <a href="/api/docs">API</a>
        <a href="/api/openapi.json">OpenAPI</a>
        <a href="/api/asyncapi.json">AsyncAPI</a>
        <a href="/metrics">Metrics</a>
      </footer>
      <Announcer live={live} />
    </>
  );
}

/** The newest notifications that were stored before. */
function useStored(
  api: ReturnType<typeof createApi>,
  channels: readonly string[],
  onStored: (notifications: readonly Notification[]) => void,
  onProblem: (failure: unknown) => void,
) {
  const [loaded, setLoaded] = useState(false);
  const [failure, setFailure] = useState<string | undefined>();
  const names = channels.join(",");
  useEffect(() => {
    let over = false;
    setLoaded(false);
    const query = { limit: STORED, ...(names === "" ? {} : { channel: names.split(",") }) };
    api
      .list(query)
      .then(({ items }) => {
        if (over) return;
        setFailure(undefined);
        onStored(items);
      })
      .catch((problem: unknown) => {
        if (over) return;
        onProblem(problem);
        setFailure(sentenceOf(problem));
      })
      .finally(() => over || setLoaded(true));
    return () => {
      over = true;
    };
  }, [api, names, onStored, onProblem]);
  return { loaded, failure };
}
