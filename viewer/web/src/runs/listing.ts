// What a list of dialogues shows: read from the address, and kept there so that back works.
import { useLocation } from "wouter";
import { go, useParameters } from "../address";
import type { ListQuery } from "../queries";
import type { Count, RunPage } from "../records";

export const PAGE = 50;
export const FILTERS = ["status", "ended", "problem", "emotion", "flag"] as const;
export type Filter = (typeof FILTERS)[number];

/** What each filter can be set to, with how many dialogues that would leave. */
export type Choices = Record<Filter, readonly Count[]>;

export function choicesOf(run: RunPage): Choices {
  const { open, done, failed } = run.card;
  const statuses = Object.entries({ done, open, failed }).map(([name, count]) => ({ name, count }));
  const { ended, problems: problem, emotions: emotion, flags } = run;
  const some = (counts: readonly Count[]) => counts.filter((item) => item.count > 0);
  return { status: some(statuses), ended, problem, emotion, flag: some(flags) };
}

/** The state of a list and how to change it; a change of anything but the place goes to page one. */
export function useListing() {
  const [path] = useLocation();
  const parameters = useParameters();
  const change = (changes: Record<string, string>, replace = false) => {
    const next = new URLSearchParams(parameters);
    if (!("offset" in changes)) next.delete("offset");
    for (const [name, value] of Object.entries(changes)) {
      if (value) next.set(name, value);
      else next.delete(name);
    }
    const text = next.toString();
    go(text ? `${path}?${text}` : path, { replace });
  };
  return { query: read(parameters), change };
}

function read(parameters: URLSearchParams): ListQuery & { offset: number } {
  const query: ListQuery = {};
  for (const name of FILTERS) query[name] = parameters.get(name) ?? undefined;
  const q = parameters.get("q")?.trim() || undefined;
  const offset = Number.parseInt(parameters.get("offset") ?? "0", 10);
  return {
    ...query,
    q,
    sort: parameters.get("sort") ?? (q ? "match" : undefined),
    descending: parameters.get("descending") === "1",
    offset: Number.isFinite(offset) && offset > 0 ? offset : 0,
    limit: PAGE,
  };
}

/** Whether anything but the sequence narrows the list. */
export const isNarrowed = (query: ListQuery): boolean =>
  Boolean(query.q) || FILTERS.some((name) => Boolean(query[name]));
