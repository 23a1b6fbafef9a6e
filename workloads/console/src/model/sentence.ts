/** What went wrong, for people: the text of an error, without a full stop. */
export function sentenceOf(failure: unknown): string {
  const text =
    failure instanceof Error && failure.message !== "" ? failure.message : "the API cannot be reached";
  return text.replace(/\.$/, "");
}
