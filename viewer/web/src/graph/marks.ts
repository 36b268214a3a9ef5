// What is said about a node and an edge of a drawn graph: words and figures, whatever they are of.
import type { EdgeView, Step } from "../records";

export type Status = Step["status"];

/** What a node's box says beside its name. */
export interface NodeMark {
  status?: Status;
  /** At most two lines of about 18 letters. */
  lines: readonly string[];
  /** After the name: how many attempts, where there was more than one. */
  badge?: string;
  /** 0 to 1: how dark its ground is; absent for no shade. */
  shade?: number;
  /** Not part of what is shown: drawn faintly. */
  faint?: boolean;
  /** For screen readers: all that the box says, in words. */
  words: string;
}

/** How an edge is drawn. */
export interface EdgeMark {
  tone: "taken" | "plain" | "faint";
  /** Pixels. */
  width: number;
  label: string;
}

/** An edge's name: unique in its graph. */
export function edgeKey(edge: Pick<EdgeView, "source" | "target">): string {
  return `${edge.source} → ${edge.target}`;
}

/** Nodes that LangGraph adds: where every graph begins and ends. */
export function isEnd(id: string): boolean {
  return id === "__start__" || id === "__end__" || id === "start" || id === "end";
}
