import type { Draft } from "@realtimestack/client";
import { CHANNEL, CHARACTERS, USER } from "./names";

/** What stands in the fields of the form. */
export interface Fields {
  message: string;
  type: string;
  /** Whether `address` names a channel or a user. */
  to: "channel" | "user";
  address: string;
  data: string;
}

/** A sentence for each field that cannot be posted. */
export type Complaints = Partial<Record<"message" | "type" | "channel" | "user" | "data", string>>;

/** The draft that the fields make, or what is wrong with them. The API judges again, and may know more. */
export function draftOf(fields: Fields): { draft: Draft } | { complaints: Complaints } {
  const complaints: Complaints = {};
  const draft: Draft = { message: fields.message };
  if (fields.message.trim() === "") complaints.message = "Write a message.";
  const type = fields.type.trim();
  if (type.length > 64) complaints.type = "A type has up to 64 characters.";
  else if (type !== "") draft.type = type;
  addressOf(fields, draft, complaints);
  const data = dataOf(fields.data);
  if ("complaint" in data) complaints.data = data.complaint;
  else if (data.value !== undefined) draft.data = data.value;
  return Object.keys(complaints).length > 0 ? { complaints } : { draft };
}

function addressOf({ to, address }: Fields, draft: Draft, complaints: Complaints) {
  const name = address.trim();
  if (to === "user") {
    if (USER.test(name)) draft.user = name;
    else complaints.user = name === "" ? "Name the user." : `A user’s name has up to 123 of ${CHARACTERS}`;
  } else if (CHANNEL.test(name)) {
    draft.channel = name;
  } else if (name !== "") {
    complaints.channel = `A channel’s name has up to 128 of ${CHARACTERS}`;
  }
}

/** The JSON that a text holds; nothing for a blank one. */
export function dataOf(text: string): { value: unknown } | { complaint: string } {
  if (text.trim() === "") return { value: undefined };
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { complaint: `This is not JSON: ${error instanceof Error ? error.message : "it cannot be read"}` };
  }
}
