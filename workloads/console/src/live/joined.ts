/**
 * Work for many who wish for the same: it runs once at a time, and wishes that come meanwhile are one more run behind it. What is given
 * ends with a run that began after the wish.
 */
export function joined(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let due: Promise<void> | undefined;
  const begin = () => {
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
  const follow = () => {
    due = undefined;
    return begin();
  };
  return () => {
    if (due !== undefined) return due;
    if (running === undefined) return begin();
    due = running.then(follow, follow);
    return due;
  };
}
