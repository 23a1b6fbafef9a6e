import { memo, useState } from "react";
import { Button } from "react-aria-components";
import { type Arrival, KEPT } from "../model/arrivals";
import { time } from "../model/format";
import { channelsOf } from "../model/names";
import { Badge, TypeBadge } from "./Badge";
import { Field } from "./Field";
import { Empty, Panel } from "./Panel";

/** What comes, newest first. */
export function Notifications(props: {
  list: readonly Arrival[];
  loaded: boolean;
  failure: string | undefined;
  channels: readonly string[];
  onChannels: (channels: readonly string[]) => void;
  onClear: () => void;
}) {
  const [held, setHeld] = useState<readonly Arrival[] | undefined>();
  const shown = held ?? props.list;
  const newest = held?.[0];
  const waiting = held ? props.list.findIndex((each) => each.notification.id === newest?.notification.id) : 0;
  const more = waiting < 0 ? props.list.length : waiting;
  return (
    <Panel
      id="notifications"
      title="Notifications"
      note={`the newest ${KEPT} are kept`}
      actions={
        <>
          <Button className="button button-quiet" onPress={() => setHeld(held ? undefined : props.list)}>
            {held ? `Go on${more > 0 ? ` (${more} new)` : ""}` : "Hold"}
          </Button>
          <Button
            className="button button-quiet"
            onPress={() => {
              props.onClear();
              setHeld(undefined);
            }}
          >
            Clear
          </Button>
        </>
      }
    >
      <Channels channels={props.channels} onChannels={props.onChannels} />
      {props.failure !== undefined && (
        <p className="notice notice-warning">What is stored cannot be listed now: {props.failure}</p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who has no mouse scrolls it by arrow keys */}
      <section className="scroll" aria-label="List of notifications" tabIndex={0}>
        {shown.length === 0 ? (
          <Nothing loaded={props.loaded} channels={props.channels} />
        ) : (
          <ol className="items">
            {shown.map((arrival) => (
              <Item key={arrival.notification.id} arrival={arrival} />
            ))}
          </ol>
        )}
      </section>
    </Panel>
  );
}

function Nothing({ loaded, channels }: { loaded: boolean; channels: readonly string[] }) {
  if (!loaded) return <Empty title="Loading what is stored …" />;
  return (
    <Empty title={channels.length === 0 ? "No notification yet" : "No notification on these channels yet"}>
      Publish one with the form, or from a shell:
      <code className="block">
        curl {location.origin}/api/notifications -H 'Content-Type: application/json' -d '
        {JSON.stringify({ message: "hello", type: "info" })}'
      </code>
    </Empty>
  );
}

function Channels(props: { channels: readonly string[]; onChannels: (channels: readonly string[]) => void }) {
  const [text, setText] = useState(props.channels.join(", "));
  const read = channelsOf(text);
  const complaint = "complaint" in read ? read.complaint : undefined;
  return (
    <form
      className="channels"
      onSubmit={(event) => {
        event.preventDefault();
        if ("channels" in read) props.onChannels(read.channels);
      }}
    >
      <Field
        label="Channels to hear"
        name="channels"
        value={text}
        onChange={setText}
        mono
        placeholder="all of them"
        {...(complaint === undefined ? {} : { complaint })}
      />
      <Button type="submit" className="button" isDisabled={complaint !== undefined}>
        Apply
      </Button>
    </form>
  );
}

const Item = memo(function Item({ arrival: { notification, way } }: { arrival: Arrival }) {
  const data = notification.data === undefined ? undefined : JSON.stringify(notification.data, null, 2);
  return (
    <li className={`item item-${way}`} data-id={notification.id} data-way={way}>
      <div className="item-head">
        <TypeBadge type={notification.type} />
        <span className="item-channel">{notification.channel}</span>
        {way === "missed" && <Badge tone="accent">missed, then delivered</Badge>}
        <span className="item-status" data-notification-status={notification.status}>
          {notification.status}
        </span>
        <time dateTime={notification.timestamp}>{time(notification.timestamp)}</time>
      </div>
      <p className="item-message">{notification.message}</p>
      {data !== undefined && (
        <details className="item-data">
          <summary>
            Data <span className="item-glimpse">{JSON.stringify(notification.data).slice(0, 80)}</span>
          </summary>
          <pre>{data}</pre>
        </details>
      )}
    </li>
  );
});
