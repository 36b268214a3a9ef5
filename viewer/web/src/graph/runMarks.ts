// How a whole run looks on its graph: time spent as shade, how often an edge was taken as width.
import type { EdgeView, GraphView, NodeView } from "../records";
import { brief, count, duration, several } from "../words";
import { isEnd } from "./marks";
import { latency } from "./latency";
import type { EdgeMark, NodeMark } from "./marks";

const MOST_SHADE = 0.55;

/** Milliseconds that all calls of a node took together; null where none was timed. */
export function spent(node: NodeView): number | null {
  if (!node.calls || node.mean_latency_ms === null) return null;
  return node.calls * node.mean_latency_ms;
}

/** For `AgentGraph`. */
export function nodeMarks(graph: GraphView): (node: NodeView) => NodeMark {
  const longest = Math.max(0, ...graph.nodes.map((node) => spent(node) ?? 0));
  return (node) => {
    const time = spent(node);
    const lines = isEnd(node.id) ? [] : linesOf(node);
    return {
      lines,
      shade: time !== null && longest > 0 ? (MOST_SHADE * time) / longest : undefined,
      faint: node.turns === 0,
      words: [node.label, ...wordsOf(node, time)].join(", "),
    };
  };
}

function linesOf(node: NodeView): string[] {
  if (node.calls === null) return [several(node.turns ?? 0, "turn")];
  const first = `${brief(node.calls)} calls · ${latency(node.mean_latency_ms)}`;
  const troubles = [
    node.errors ? several(node.errors, "error") : "",
    node.re_asks ? `${brief(node.re_asks)} re-asked` : "",
  ].filter(Boolean);
  return troubles.length ? [first, troubles.join(" · ")] : [first];
}

function wordsOf(node: NodeView, time: number | null): string[] {
  const words = node.turns === null ? [] : [several(node.turns, "turn")];
  if (node.calls === null) return words;
  words.push(several(node.calls, "call"), `mean latency ${latency(node.mean_latency_ms)}`);
  if (time !== null) words.push(`${duration(time)} in all`);
  words.push(several(node.errors, "error"), several(node.re_asks, "re-ask"));
  return words;
}

/** For `AgentGraph`. */
export function edgeMarks(graph: GraphView): (edge: EdgeView) => EdgeMark {
  const most = Math.max(1, ...graph.edges.map((edge) => edge.taken ?? 0));
  return (edge) => {
    const taken = edge.taken ?? 0;
    const label = [edge.label, edge.taken === null ? "" : count(taken)].filter(Boolean).join(" ");
    return taken === 0
      ? { tone: "faint", width: 1.2, label }
      : { tone: "plain", width: 1.2 + (5 * taken) / most, label };
  };
}
