// How one turn looks on the graph: what each node did, and which edges were taken.
import type { EdgeView, NodeView, Step, TurnPage } from "../records";
import { brief, several } from "../words";
import { latency } from "./latency";
import { edgeKey, isEnd } from "./marks";
import type { EdgeMark, NodeMark } from "./marks";

/** For `AgentGraph`: the marks of a turn's nodes. */
export function nodeMarks(page: TurnPage): (node: NodeView) => NodeMark {
  const steps = new Map(page.steps.map((step) => [step.node, step]));
  const taken = new Set(page.taken.flat().map(String));
  return (node) => {
    const step = steps.get(node.id);
    if (step && !isEnd(node.id)) return ofStep(node.label, step);
    return { lines: [], faint: !taken.has(node.id), words: node.label };
  };
}

function ofStep(label: string, step: Step): NodeMark {
  const figures = figuresOf(step);
  const attempts = step.calls.length;
  const said = [label, step.status, step.reason, figures];
  if (attempts > 1) said.push(several(attempts, "attempt"));
  return {
    status: step.status,
    lines: figures ? [step.status, figures] : [step.status],
    badge: attempts > 1 ? `${attempts}×` : undefined,
    faint: step.status === "not reached",
    words: said.filter(Boolean).join(", "),
  };
}

function figuresOf(step: Step): string {
  const tokens = (step.prompt_tokens ?? 0) + (step.completion_tokens ?? 0);
  const time = step.latency_ms === null ? "" : latency(step.latency_ms);
  return [time, tokens ? `${brief(tokens)} tok` : ""].filter(Boolean).join(" · ");
}

/** For `AgentGraph`: taken edges strong, the others faint. */
export function edgeMarks(page: TurnPage): (edge: EdgeView) => EdgeMark {
  const taken = new Set(
    page.taken.map(([source, target]) =>
      edgeKey({ source: String(source), target: String(target) }),
    ),
  );
  return (edge) => {
    const strong = taken.has(edgeKey(edge));
    return { tone: strong ? "taken" : "faint", width: strong ? 2.5 : 1.2, label: edge.label };
  };
}
