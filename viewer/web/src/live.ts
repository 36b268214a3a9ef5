// Follows the server's news: what a run has changed is asked for anew.
import { useQueryClient, type Query, type QueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { get, isFile, Refused } from "./api";
import { keys } from "./queries";
import type { DialoguePage, News, Runs } from "./records";

/** How the connection to the server stands. */
export type Link = "file" | "joining" | "live" | "lost" | "refused";

/** Rests between two rounds of questions for one run, in milliseconds. */
const REST = 700;
/** Before a lost connection is tried again, first and at most. */
const PATIENCE = [1000, 15_000] as const;

/** Listens as long as the page is open; a lost connection is joined again. */
export function useLive(): Link {
  const queries = useQueryClient();
  const [link, setLink] = useState<Link>(isFile ? "file" : "joining");
  useEffect(() => {
    if (isFile) return;
    return listen(new Pending(queries), setLink, () => void queries.invalidateQueries());
  }, [queries]);
  return link;
}

function listen(pending: Pending, tell: (link: Link) => void, rejoined: () => void): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  let wait: number = PATIENCE[0];
  let lost = false;
  const join = () => {
    source = new EventSource("api/events");
    source.onopen = () => {
      tell("live");
      wait = PATIENCE[0];
      if (lost) rejoined(); // what came meanwhile was not heard
      lost = false;
    };
    source.onmessage = (event: MessageEvent<string>) => pending.add(JSON.parse(event.data) as News);
    source.onerror = () => {
      source?.close();
      lost = true;
      tell("lost");
      void isRefused().then((refused) => refused && lost && tell("refused"));
      timer = setTimeout(join, wait);
      wait = Math.min(wait * 2, PATIENCE[1]);
    };
  };
  join();
  return () => {
    clearTimeout(timer);
    source?.close();
    pending.stop();
  };
}

/** Whether the server is there and refuses this page: a restart makes a new link. */
async function isRefused(): Promise<boolean> {
  try {
    await get<Runs>("api/runs");
    return false;
  } catch (error) {
    return error instanceof Refused && error.status === 403;
  }
}

/** News that pages have not asked about yet: a run that writes fast is asked in rounds. */
class Pending {
  private readonly waiting = new Map<string, Set<number> | "all">();
  private readonly seen = new Map<string, News>();
  private timer = 0;

  constructor(private readonly queries: QueryClient) {}

  add(news: News): void {
    const last = this.seen.get(news.run);
    if (last?.revision === news.revision) return;
    this.seen.set(news.run, news);
    this.queries.setQueryData<Runs>(keys.runs, (runs) => runs && withCard(runs, news));
    const before = this.waiting.get(news.run);
    // A new branch stands on its origin's page too, and which that is the news does not say.
    const branched = last?.card.branches !== news.card.branches;
    const all = news.dialogues.length === 0 || before === "all" || branched;
    this.waiting.set(news.run, all ? "all" : new Set([...(before ?? []), ...news.dialogues]));
    if (!this.timer) this.timer = setTimeout(() => this.flush(), REST);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = 0;
  }

  private flush(): void {
    this.timer = 0;
    for (const [run, which] of this.waiting) {
      const predicate = (query: Query) => isStale(query, run, which);
      // What is being answered is waited for, and asked again: a slow page of a fast run would
      // else never get its answer.
      const busy = this.queries.isFetching({ predicate }) > 0;
      void this.queries.invalidateQueries({ predicate }, { cancelRefetch: false });
      if (!busy) this.waiting.delete(run);
    }
    if (this.waiting.size > 0) this.timer = setTimeout(() => this.flush(), REST);
  }
}

function withCard(runs: Runs, news: News): Runs {
  return { ...runs, runs: runs.runs.map((card) => (card.key === news.run ? news.card : card)) };
}

/** Comparisons, all of the run, and of its dialogues those that changed or whose branches did. */
function isStale(query: Query, run: string, which: Set<number> | "all"): boolean {
  const key = query.queryKey;
  if (key[0] === keys.comparisons[0]) return true;
  if (key[0] !== "run" || key[1] !== run || key[2] === "settings") return false;
  if (which === "all" || key[2] !== "dialogue" || which.has(key[3] as number)) return true;
  const branches = (query.state.data as Partial<DialoguePage> | undefined)?.branches ?? [];
  return branches.some((branch) => which.has(branch.index));
}
