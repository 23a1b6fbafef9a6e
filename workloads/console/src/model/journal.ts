/** A time without a connection, and what became of it. Times are milliseconds since the epoch. */
export interface Cut {
  at: number;
  reason: string;
  resumedAt?: number;
  /** Whether the server knew the client again; an SSE stream resumes by its cursor in any case. */
  recovered?: boolean;
  /** Notifications that came after it and were made before it. */
  missed: number;
  gaps: Gap[];
}

/** The server says that it cannot give something. */
export interface Gap {
  at: number;
  reason: string;
}

/** What a connection has gone through, newest cut first. */
export interface Journal {
  /** When the page began to listen. */
  since: number;
  cuts: readonly Cut[];
  /** Gaps without a cut before them, such as at a first connection with an old cursor. */
  gaps: readonly Gap[];
  /** Cuts so far, also those that are no longer kept. */
  count: number;
}

/** What the journal is told. */
export type JournalEvent =
  | { kind: "cut"; at: number; reason: string }
  | { kind: "resumed"; at: number; recovered: boolean }
  | { kind: "missed" }
  | { kind: "gap"; at: number; reason: string };

/** Cuts that are kept. */
const KEPT = 50;

/** A journal that begins now. */
export const emptyJournal = (since: number): Journal => ({ since, cuts: [], gaps: [], count: 0 });

/** The journal with one more event. */
export function record(journal: Journal, event: JournalEvent): Journal {
  const [newest, ...older] = journal.cuts;
  const open = newest !== undefined && newest.resumedAt === undefined;
  switch (event.kind) {
    case "cut":
      // Another failed try is no new cut.
      if (open) return journal;
      return {
        ...journal,
        count: journal.count + 1,
        cuts: [{ at: event.at, reason: event.reason, missed: 0, gaps: [] }, ...journal.cuts].slice(0, KEPT),
      };
    case "resumed":
      if (!open) return journal;
      return { ...journal, cuts: [{ ...newest, resumedAt: event.at, recovered: event.recovered }, ...older] };
    case "missed":
      // It may come before the connection is said to be back.
      if (!newest) return journal;
      return { ...journal, cuts: [{ ...newest, missed: newest.missed + 1 }, ...older] };
    case "gap": {
      const gap = { at: event.at, reason: event.reason };
      if (!newest) return { ...journal, gaps: [...journal.gaps, gap].slice(-KEPT) };
      return { ...journal, cuts: [{ ...newest, gaps: [...newest.gaps, gap] }, ...older] };
    }
  }
}

/** What a gap's reason means. */
export const GAP_REASONS: Readonly<Record<string, string>> = {
  invalid: "the server does not know the place where this page was",
  epoch: "the stored notifications were created anew since then",
  limit: "more was missed than one connection is given",
  trimmed: "some of it is older than what is kept",
};

/** What became of a cut, as a sentence without its time. */
export function outcome(cut: Cut): string {
  if (cut.resumedAt === undefined) return "not back yet";
  const seconds = ((cut.resumedAt - cut.at) / 1000).toFixed(1);
  const missed =
    cut.missed === 0
      ? "nothing was missed"
      : `${cut.missed} missed event${cut.missed === 1 ? "" : "s"} delivered`;
  const gaps = cut.gaps.map((gap) => `, but a gap: ${GAP_REASONS[gap.reason] ?? gap.reason}`);
  return `resumed after ${seconds} s, ${missed}${gaps.join("")}`;
}
