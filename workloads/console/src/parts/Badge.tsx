/** What a badge's colour says beside its text. */
export type Tone = "info" | "good" | "warning" | "bad" | "quiet" | "accent";

const TYPES: Readonly<Record<string, Tone>> = {
  info: "info",
  success: "good",
  warning: "warning",
  alert: "warning",
  error: "bad",
};

/** A word on a coloured ground. */
export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return <span className={`badge badge-${tone}`}>{children}</span>;
}

/** The type of a notification. Types are free; those that are known have a colour. */
export function TypeBadge({ type }: { type: string }) {
  return <Badge tone={TYPES[type.toLowerCase()] ?? "accent"}>{type}</Badge>;
}
