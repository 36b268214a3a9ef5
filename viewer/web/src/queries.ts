// One hook a record: what pages ask for, kept under keys that news of a run makes stale.
import {
  keepPreviousData,
  QueryClient,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useRef } from "react";
import { get, has, isFile, post, Refused, withQuery } from "./api";
import type {
  Annotation,
  Change,
  DialogueComparison,
  DialogueList,
  DialoguePage,
  Forked,
  GraphPage,
  ReplyList,
  RunComparison,
  RunPage,
  Runs,
  Settings,
  StrategyPage,
  TurnPage,
  TurnView,
} from "./records";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: isFile ? Infinity : 5_000,
      refetchOnWindowFocus: !isFile,
      // A refusal stays one; a server that is gone may come back.
      retry: (count, error) => !(error instanceof Refused && error.status > 0) && count < 2,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

/** Keys; all that belongs to a run begins with `["run", R]`. */
export const keys = {
  runs: ["runs"] as const,
  run: (run: string) => ["run", run] as const,
  page: (run: string) => ["run", run, "page"] as const,
  graph: (run: string) => ["run", run, "graph"] as const,
  strategies: (run: string) => ["run", run, "strategies"] as const,
  settings: (run: string, dialogue: number) => ["run", run, "settings", dialogue] as const,
  lists: (run: string) => ["run", run, "list"] as const,
  /** Among the lists: an annotation makes both stale. */
  replies: (run: string) => ["run", run, "list", "replies"] as const,
  dialogue: (run: string, index: number) => ["run", run, "dialogue", index] as const,
  turn: (run: string, index: number, turn: number) =>
    ["run", run, "dialogue", index, "turn", turn] as const,
  comparisons: ["compare"] as const,
};

const of = (run: string) => `api/runs/${encodeURIComponent(run)}`;

/** Whether there is something to go to; a file on disk holds a sample only. */
export const carries = {
  replies: (run: string) => has(`${of(run)}/replies`),
  dialogue: (run: string, index: number) => has(`${of(run)}/dialogues/${index}`),
  turn: (run: string, index: number, turn: number) =>
    has(`${of(run)}/dialogues/${index}/turns/${turn}`),
  /** Two dialogues beside each other, each as `R/D`. */
  compare: (a: string, b: string) => has(withQuery("api/compare/dialogues", { a, b })),
};

export const useRuns = () =>
  useQuery({ queryKey: keys.runs, queryFn: ({ signal }) => get<Runs>("api/runs", signal) });

export const useRun = (run: string) =>
  useQuery({ queryKey: keys.page(run), queryFn: ({ signal }) => get<RunPage>(of(run), signal) });

export const useGraph = (run: string) =>
  useQuery({
    queryKey: keys.graph(run),
    queryFn: ({ signal }) => get<GraphPage>(`${of(run)}/graph`, signal),
  });

export const useStrategies = (run: string) =>
  useQuery({
    queryKey: keys.strategies(run),
    queryFn: ({ signal }) => get<StrategyPage>(`${of(run)}/strategies`, signal),
  });

/** What a fork of a dialogue may change; asked for when first needed. */
export const useSettings = (run: string, dialogue: number) =>
  useQuery({
    queryKey: keys.settings(run, dialogue),
    queryFn: ({ signal }) => get<Settings>(`${of(run)}/settings?dialogue=${dialogue}`, signal),
    gcTime: 0, // who runs the run may change at any time
  });

/** Filters and place of a list, as `records.py` names them. */
export interface ListQuery {
  q?: string;
  status?: string;
  ended?: string;
  problem?: string;
  emotion?: string;
  flag?: string;
  sort?: string;
  descending?: boolean;
  offset?: number;
  limit?: number;
}

/** A page of dialogues; the last one stays until the next has come. */
export const useDialogues = (run: string, query: ListQuery) =>
  useQuery({
    queryKey: [...keys.lists(run), query],
    queryFn: ({ signal }) => {
      const path = `${of(run)}/dialogues`;
      return get<DialogueList>(isFile ? path : withQuery(path, { ...query }), signal);
    },
    placeholderData: keepPreviousData,
  });

/** Filters, sequence and place of a list of replies, as `records.py` names them. */
export interface ReplyQuery {
  strategy?: string;
  flag?: string;
  sort?: string;
  descending?: boolean;
  offset?: number;
  limit?: number;
}

/** A page of replies; the last one stays until the next has come. */
export const useReplies = (run: string, query: ReplyQuery) =>
  useQuery({
    queryKey: [...keys.replies(run), query],
    queryFn: ({ signal }) => {
      const path = `${of(run)}/replies`;
      return get<ReplyList>(isFile ? path : withQuery(path, { ...query }), signal);
    },
    placeholderData: keepPreviousData,
  });

export const useDialogue = (run: string, index: number) =>
  useQuery({
    queryKey: keys.dialogue(run, index),
    queryFn: ({ signal }) => get<DialoguePage>(`${of(run)}/dialogues/${index}`, signal),
    enabled: Number.isInteger(index),
  });

/** A turn on its graph; the last one stays until the next has come. */
export const useTurn = (run: string, index: number, turn: number) =>
  useQuery({
    queryKey: keys.turn(run, index, turn),
    queryFn: ({ signal }) =>
      get<TurnPage>(`${of(run)}/dialogues/${index}/turns/${turn}`, signal),
    placeholderData: keepPreviousData,
  });

export const useRunComparison = (a: string, b: string, offset = 0, limit = 50) =>
  useQuery({
    queryKey: [...keys.comparisons, "runs", a, b, offset, limit],
    queryFn: ({ signal }) =>
      get<RunComparison>(withQuery("api/compare/runs", { a, b, offset, limit }), signal),
    placeholderData: keepPreviousData,
  });

/** Two dialogues, each as `R/D`. */
export const useDialogueComparison = (a: string, b: string) =>
  useQuery({
    queryKey: [...keys.comparisons, "dialogues", a, b],
    queryFn: ({ signal }) =>
      get<DialogueComparison>(withQuery("api/compare/dialogues", { a, b }), signal),
  });

/** Keeps an annotation and shows the turn as it then is. */
export function useAnnotate(run: string, index: number, turn: number) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (said: Annotation) =>
      post<TurnView>(`${of(run)}/dialogues/${index}/turns/${turn}/annotation`, said),
    onSuccess: (view) => {
      queries.setQueryData<DialoguePage>(keys.dialogue(run, index), (page) =>
        page && { ...page, turns: page.turns.map((t) => (t.turn.number === turn ? view : t)) },
      );
      queries.setQueryData<TurnPage>(keys.turn(run, index, turn), (page) => page && { ...page, view });
      void queries.invalidateQueries({ queryKey: keys.lists(run) });
      void queries.invalidateQueries({ queryKey: keys.page(run) });
    },
  });
}

/** Begins branches at a turn, one after another; where one is refused, those before it have begun,
 * and are not begun again. */
export function useForks(run: string, index: number, turn: number) {
  const queries = useQueryClient();
  const begun = useRef(new Map<string, Forked>());
  const fork = useMutation({
    mutationFn: async (changes: readonly Change[]) => {
      const address = `${of(run)}/dialogues/${index}/turns/${turn}/fork`;
      const branches: Forked[] = [];
      for (const change of changes) {
        const key = JSON.stringify(change);
        const branch = begun.current.get(key) ?? (await post<Forked>(address, change));
        begun.current.set(key, branch);
        branches.push(branch);
      }
      return branches;
    },
    onSettled: () => queries.invalidateQueries({ queryKey: keys.run(run) }),
  });
  return { ...fork, begun: begun.current.size };
}
