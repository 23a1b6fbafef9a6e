import type { createApi, InboxNotification } from "@realtimestack/client";
import { useState } from "react";
import { Button } from "react-aria-components";
import { useInbox } from "../live/useInbox";
import { time } from "../model/format";
import { CHARACTERS, USER } from "../model/names";
import { TypeBadge } from "./Badge";
import { Field } from "./Field";
import { Empty, Panel } from "./Panel";

type Api = ReturnType<typeof createApi>;

/** What was sent to one user, and what of it was read. */
export function Inbox({
  api,
  token,
  onProblem,
}: {
  api: Api;
  token: string | undefined;
  onProblem: (failure: unknown) => void;
}) {
  // Who has a token is somebody.
  const [name, setName] = useState(token === undefined ? "" : "me");
  const [user, setUser] = useState(token === undefined ? "" : "me");
  const wrong = name.trim() !== "" && !USER.test(name.trim());
  const { page, failure, change } = useInbox(api, user, token, onProblem);
  return (
    <Panel
      id="inbox"
      title="Inbox"
      {...(page ? { note: `${page.unread}${page.unreadIsMore ? "+" : ""} unread` } : {})}
      actions={
        page &&
        page.unread > 0 && (
          <Button className="button button-quiet" onPress={() => change(() => api.markAllRead(user))}>
            Mark all read
          </Button>
        )
      }
    >
      <form
        className="channels"
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrong) setUser(name.trim());
        }}
      >
        <Field
          label="User"
          name="inbox"
          value={name}
          onChange={setName}
          mono
          {...(wrong ? { complaint: `A user’s name has up to 123 of ${CHARACTERS}` } : {})}
        />
        <Button type="submit" className="button" isDisabled={wrong}>
          Open
        </Button>
      </form>
      {failure !== undefined && <p className="notice notice-bad">The inbox cannot be read: {failure}</p>}
      {user === "" && (
        <Empty title="Whose inbox?">Name a user; publish something to him with the form.</Empty>
      )}
      {page && page.items.length === 0 && <Empty title={`Nothing was sent to ${user} yet`} />}
      {page && page.items.length > 0 && (
        <ol className="inbox">
          {page.items.map((item) => (
            <Line key={item.id} item={item} onChange={() => change(() => mark(api, user, item))} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

function mark(api: Api, user: string, item: InboxNotification) {
  return item.readAt === null ? api.markRead(user, item.id) : api.markUnread(user, item.id);
}

function Line({ item, onChange }: { item: InboxNotification; onChange: () => void }) {
  const read = item.readAt !== null;
  return (
    <li className={read ? "letter" : "letter letter-unread"} data-id={item.id} data-read={read}>
      <div className="item-head">
        <TypeBadge type={item.type} />
        <time dateTime={item.timestamp}>{time(item.timestamp)}</time>
        <Button
          className="button button-small"
          onPress={onChange}
          aria-label={`${read ? "Mark unread" : "Mark read"}: ${item.message}`}
        >
          {read ? "Mark unread" : "Mark read"}
        </Button>
      </div>
      <p className="item-message">{item.message}</p>
    </li>
  );
}
