import { type createApi, type Notification, newKey, ProblemError } from "@realtimestack/client";
import { useEffect, useRef, useState } from "react";
import { Button, Form } from "react-aria-components";
import { type Complaints, draftOf, type Fields } from "../model/draft";
import { duration } from "../model/format";
import { Choice } from "./Choice";
import { Field } from "./Field";
import { Panel } from "./Panel";

const TYPES = ["info", "success", "warning", "error"];

const TO = [
  { id: "channel", name: "Channel" },
  { id: "user", name: "User" },
] as const;

const EMPTY: Fields = { message: "", type: "info", to: "channel", address: "", data: "" };

/** Fields that the form shows, by the names that a problem has for them. */
const KNOWN = ["message", "type", "channel", "user", "data"];

/** What became of the last try. */
type Outcome =
  | { kind: "published"; id: string; channel: string }
  | { kind: "refused"; complaints: Complaints; count: number }
  | { kind: "failed"; why: string };

/** Publishes a notification. */
export function Publish(props: {
  api: ReturnType<typeof createApi>;
  /** A POST was answered that began at `begun`, by the browser's own clock. */
  onPublished: (notification: Notification, begun: number) => void;
  onProblem: (failure: unknown) => void;
  /** Milliseconds from a POST to its notification, by id. */
  latencies: ReadonlyMap<string, number>;
}) {
  const [fields, setFields] = useState(EMPTY);
  const [outcome, setOutcome] = useState<Outcome | undefined>();
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  // The key of a try that may have been stored though nobody said so: the same notification again is then no second one.
  const unsure = useRef<{ text: string; key: string } | undefined>(undefined);
  const change = (field: keyof Fields) => (value: string) =>
    setFields((before) => ({ ...before, [field]: value }));

  const post = async () => {
    if (busy) return;
    const read = draftOf(fields);
    if ("complaints" in read) return setOutcome(refused(read.complaints));
    setBusy(true);
    const text = JSON.stringify(read.draft);
    const key = unsure.current?.text === text ? unsure.current.key : newKey();
    unsure.current = { text, key };
    const begun = performance.now();
    try {
      const stored = await props.api.publish(read.draft, { idempotencyKey: key });
      unsure.current = undefined;
      props.onPublished(stored, begun);
      setOutcome({ kind: "published", id: stored.id, channel: stored.channel });
      setFields((before) => ({ ...before, message: "" }));
    } catch (failure) {
      if (failure instanceof ProblemError && failure.status < 500) unsure.current = undefined;
      props.onProblem(failure);
      setOutcome(outcomeOf(failure));
    } finally {
      setBusy(false);
    }
  };

  // Who fills in the form by keyboard goes on where it is wrong.
  useEffect(() => {
    if (outcome?.kind === "refused")
      form.current?.querySelector<HTMLElement>(".input[data-invalid]")?.focus();
  }, [outcome]);

  const complaints = outcome?.kind === "refused" ? outcome.complaints : {};
  return (
    <Panel id="publish" title="Publish">
      <Form
        ref={form}
        className="form"
        validationBehavior="aria"
        validationErrors={complaints as Record<string, string>}
        onSubmit={(event) => {
          event.preventDefault();
          void post();
        }}
      >
        <Field label="Message" name="message" value={fields.message} onChange={change("message")} lines={2} />
        <div className="form-row">
          <Field label="Type" name="type" value={fields.type} onChange={change("type")} suggestions={TYPES} />
          <Choice
            label="To"
            options={TO}
            value={fields.to}
            onChange={(to) => setFields((before) => ({ ...before, to, address: "" }))}
          />
        </div>
        <Field
          key={fields.to}
          label={fields.to === "channel" ? "Name of the channel" : "Name of the user"}
          name={fields.to}
          value={fields.address}
          onChange={change("address")}
          mono
          placeholder={fields.to === "channel" ? "default" : ""}
        />
        <Field
          label="Data"
          name="data"
          value={fields.data}
          onChange={change("data")}
          lines={3}
          mono
          placeholder={'{"order": 7}'}
          hint="JSON, or nothing. Ctrl and Enter publishes."
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void post();
          }}
        />
        <Button type="submit" className="button button-main" isPending={busy}>
          {busy ? "Publishing …" : "Publish"}
        </Button>
        <p className={`outcome outcome-${outcome?.kind ?? "none"}`} role="status">
          {outcome && sentence(outcome, props.latencies)}
        </p>
      </Form>
    </Panel>
  );
}

function refused(complaints: Complaints): Outcome {
  return { kind: "refused", complaints, count: Object.keys(complaints).length };
}

function outcomeOf(failure: unknown): Outcome {
  if (failure instanceof ProblemError) {
    const field = failure.field?.split(".")[0];
    if (field !== undefined && KNOWN.includes(field)) return refused({ [field]: failure.detail });
    return { kind: "failed", why: failure.detail };
  }
  return { kind: "failed", why: failure instanceof Error ? failure.message : "the API cannot be reached" };
}

function sentence(outcome: Outcome, latencies: ReadonlyMap<string, number>): string {
  switch (outcome.kind) {
    case "published": {
      const latency = latencies.get(outcome.id);
      return latency === undefined
        ? `Stored, for ${outcome.channel}.`
        : `Stored, for ${outcome.channel}; here again ${duration(latency)} after the POST.`;
    }
    case "refused":
      return `Nothing was published: ${outcome.count === 1 ? "a field is" : `${outcome.count} fields are`} wrong.`;
    case "failed":
      return `Not published: ${outcome.why}.`.replace("..", ".");
  }
}
