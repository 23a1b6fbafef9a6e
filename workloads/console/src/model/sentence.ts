/** What a token lacks, for people: the sentence of an answer that refuses for good. The same token is refused the next time, too. */
export function refusalOf(failure: unknown): string | undefined {
  return statusOf(failure) === 403 ? sentenceOf(failure) : undefined;
}

/** The status of the answer that the failure was, if it was one. */
export function statusOf(failure: unknown): number | undefined {
  return typeof failure === "object" && failure !== null && "status" in failure
    ? Number(failure.status)
    : undefined;
}

/** What went wrong, for people: the text of an error, without a full stop. */
export function sentenceOf(failure: unknown): string {
  const text =
    failure instanceof Error && failure.message !== "" ? failure.message : "the API cannot be reached";
  return text.replace(/\.$/, "");
}
