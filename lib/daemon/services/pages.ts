/** As many entries as containerd puts into one message of a list. */
const PAGE_ENTRIES = 100;

/** The entries of a list by the messages they go into. */
export function* inPages<T>(entries: Iterable<T>): Generator<readonly T[]> {
  let page: T[] = [];
  for (const entry of entries) {
    page.push(entry);
    if (page.length < PAGE_ENTRIES) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
