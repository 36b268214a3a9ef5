// Where the page is: path and query both stand behind the hash, so that a file on disk has them too.
import { useMemo, useSyncExternalStore } from "react";
import type { BaseLocationHook } from "wouter";

const CHANGED = "attunement-address";

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  addEventListener("popstate", changed);
  addEventListener(CHANGED, changed);
  return () => {
    removeEventListener("hashchange", changed);
    removeEventListener("popstate", changed);
    removeEventListener(CHANGED, changed);
  };
}

const hash = () => location.hash.replace(/^#?\/?/, "/");
const path = () => hash().split("?", 1)[0] ?? "/";
const search = () => hash().slice(path().length).replace(/^\?/, "");

/** Goes to `/runs/0?q=rent`; `replace` leaves no step to come back to. */
export function go(to: string, options: { replace?: boolean } = {}): void {
  const target = `#${to.startsWith("/") ? to : `/${to}`}`;
  if (target === location.hash) return;
  if (options.replace) {
    history.replaceState(history.state, "", target);
  } else {
    history.replaceState({ ...history.state, scrolled: scrollY }, "");
    history.pushState(null, "", target);
  }
  dispatchEvent(new Event(CHANGED));
}

/** How far down this page was when it was left, for coming back to it; else its top. */
export const wasScrolled = (): number =>
  (history.state as { scrolled?: number } | null)?.scrolled ?? 0;

/** For wouter's `Router`. */
export const useHash: BaseLocationHook = () => [useSyncExternalStore(subscribe, path), go];
useHash.hrefs = (href: string) => `#${href}`;

/** The query behind the hash, for wouter's `Router`. */
export const useHashSearch = (): string => useSyncExternalStore(subscribe, search);
useHash.searchHook = useHashSearch;

/** What stands behind the question mark. */
export const useParameters = (): URLSearchParams => {
  const text = useHashSearch();
  return useMemo(() => new URLSearchParams(text), [text]);
};

// ---- addresses of the pages ---------------------------------------------------------------------

const run = (key: string) => `/runs/${encodeURIComponent(key)}`;

/** Addresses of all pages, for `Link` and `go`. */
export const to = {
  runs: "/",
  run,
  graph: (key: string) => `${run(key)}/graph`,
  strategies: (key: string) => `${run(key)}/strategies`,
  replies: (key: string) => `${run(key)}/replies`,
  dialogue: (key: string, index: number, turn?: number) =>
    `${run(key)}/d/${index}${turn ? `?turn=${turn}` : ""}`,
  turn: (key: string, index: number, turn: number) => `${run(key)}/d/${index}/t/${turn}`,
  compareRuns: (a: string, b: string) =>
    `/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`,
  compareDialogues: (a: string, i: number, b: string, j: number) =>
    `/compare?a=${encodeURIComponent(a)}/${i}&b=${encodeURIComponent(b)}/${j}`,
};
