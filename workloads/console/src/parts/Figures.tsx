import type { Figures as Told } from "@realtimestack/client";
import { amount, duration } from "../model/format";
import type { Totals } from "../model/rates";
import { largest, type Series, SPAN } from "../model/series";
import { Chart } from "./Chart";
import { Panel } from "./Panel";

/** What the charts draw. */
export interface Drawn {
  /** SSE, websocket, polling. */
  connections: Series;
  delivered: Series;
  published: Series;
  /** Milliseconds from a POST of this page to its notification. */
  latency: Series;
  totals: Totals | undefined;
  lastLatency: number | undefined;
}

const TRANSPORTS = [
  { key: "websocket", name: "WebSocket", colour: "chart-1" },
  { key: "sse", name: "SSE", colour: "chart-2" },
  { key: "polling", name: "Polling", colour: "chart-3" },
] as const;

/** Connections and rates of all instances, and how long a post of one's own takes. */
export function Figures(props: {
  drawn: Drawn;
  told: Told | undefined;
  failure: string | undefined;
  /** What the token lacks to be told any. */
  refusal: string | undefined;
  dark: boolean;
}) {
  const { drawn, told, failure, refusal, dark } = props;
  const { totals } = drawn;
  const all = totals === undefined ? undefined : totals.sse + totals.websocket + totals.polling;
  const shared = { span: SPAN, dark };
  return (
    <Panel id="figures" title="Live figures" note={refusal ?? noteOf(told, failure)}>
      <div className="cards">
        <Card title="Connections" value={all === undefined ? "–" : amount(all)} unit="open">
          <Chart
            {...shared}
            label={`Connections of the last 5 minutes: now ${totals?.websocket ?? 0} by WebSocket, ${totals?.sse ?? 0} by SSE, ${totals?.polling ?? 0} by polling`}
            series={drawn.connections}
            colours={TRANSPORTS.map(({ colour }) => colour)}
          />
          <ul className="legend">
            {TRANSPORTS.map(({ key, name, colour }) => (
              <li key={key}>
                <span className={`swatch swatch-${colour}`} aria-hidden="true" />
                {name} <strong>{totals?.[key] ?? "–"}</strong>
              </li>
            ))}
          </ul>
        </Card>
        <Rate
          title="Deliveries"
          value={totals?.delivered}
          series={drawn.delivered}
          colour="chart-1"
          {...shared}
        />
        <Rate
          title="Published"
          value={totals?.published}
          series={drawn.published}
          colour="chart-4"
          {...shared}
        />
        <Card
          title="Latency"
          value={drawn.lastLatency === undefined ? "–" : duration(drawn.lastLatency)}
          unit="own posts"
        >
          <Chart
            {...shared}
            label={
              drawn.lastLatency === undefined
                ? "Latency of own posts: none published yet"
                : `Latency of own posts: the last took ${duration(drawn.lastLatency)}, the slowest ${duration(largest(drawn.latency, 0))}`
            }
            series={drawn.latency}
            colours={["chart-3"]}
            points
          />
          <p className="legend">
            {drawn.lastLatency === undefined
              ? "from POST to arrival here"
              : `slowest ${duration(largest(drawn.latency, 0))}`}
          </p>
        </Card>
      </div>
    </Panel>
  );
}

function noteOf(told: Told | undefined, failure: string | undefined): string {
  if (failure !== undefined) return `no figures now: ${failure}`;
  if (!told) return "loading …";
  const instances = `${told.instances.length} instance${told.instances.length === 1 ? "" : "s"}`;
  return told.complete ? instances : `${instances}; the others cannot be read now`;
}

function Card(props: { title: string; value: string; unit: string; children: React.ReactNode }) {
  return (
    <div className="card">
      <h3>{props.title}</h3>
      <p className="card-value">
        {props.value} <span className="card-unit">{props.unit}</span>
      </p>
      {props.children}
    </div>
  );
}

function Rate(props: {
  title: string;
  value: number | undefined;
  series: Series;
  colour: string;
  span: number;
  dark: boolean;
}) {
  const most = props.value === undefined ? "not known yet" : `most ${amount(largest(props.series, 0))}/s`;
  return (
    <Card title={props.title} value={props.value === undefined ? "–" : amount(props.value)} unit="per second">
      <Chart
        label={`${props.title} of the last 5 minutes: now ${amount(props.value ?? 0)} per second, ${most}`}
        series={props.series}
        colours={[props.colour]}
        span={props.span}
        dark={props.dark}
      />
      <p className="legend">{most}</p>
    </Card>
  );
}
