// What a list of replies shows: read from the address, and kept there so that back works.
import { useParameters } from "../address";
import type { ReplyQuery } from "../queries";
import { useListing } from "../runs/listing";

/** Clears the filters. */
export const NOTHING = { strategy: "", flag: "" };

/** Sequences in words, by what `sort` and `descending` say; the first is taken where nothing is said. */
export const SEQUENCES = [
  { words: "worst rating first", sort: "", descending: "" },
  { words: "best rating first", sort: "rating", descending: "1" },
  { words: "feeling grew most", sort: "change", descending: "1" },
  { words: "feeling eased most", sort: "change", descending: "" },
  { words: "as run", sort: "index", descending: "" },
  { words: "as run, the last first", sort: "index", descending: "1" },
] as const;

/** Which of the sequences a list has. */
export function sequenceOf(query: ReplyQuery): number {
  const found = SEQUENCES.findIndex(
    ({ sort, descending }) =>
      (sort || "rating") === (query.sort ?? "rating") && Boolean(descending) === query.descending,
  );
  return Math.max(0, found);
}

/** The state of a list of replies, and how to change it. */
export function useReplyListing() {
  const parameters = useParameters();
  const { query, change } = useListing();
  const { flag, sort, descending, offset, limit } = query;
  const strategy = parameters.get("strategy") || undefined;
  return { query: { strategy, flag, sort, descending, offset, limit }, change };
}

/** Whether a filter narrows the list. */
export const isNarrowed = (query: ReplyQuery): boolean => Boolean(query.strategy || query.flag);
