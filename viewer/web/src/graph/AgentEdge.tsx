// An edge along the corners that the layout gave it: dashed where a condition decides.
import type { Edge, EdgeProps } from "@xyflow/react";
import type { EdgeView } from "../records";
import { cornersOf, labelSpot, rounded } from "./geometry";
import type { Spot } from "./geometry";
import type { EdgeMark } from "./marks";

export interface AgentEdgeData extends Record<string, unknown> {
  view: EdgeView;
  mark: EdgeMark;
}

const HEAD = 9;

export function AgentEdge({ data }: EdgeProps<Edge<AgentEdgeData>>) {
  if (!data) return null;
  const { view, mark } = data;
  const corners = cornersOf(view);
  const label = labelSpot(view);
  const dashed = view.conditional ? " is-conditional" : "";
  return (
    <g className={`agent-edge is-${mark.tone}${dashed}`}>
      <path className="agent-edge-line" d={rounded(shortened(corners))} strokeWidth={mark.width} />
      <path className="agent-edge-head" d={head(corners, mark.width)} />
      {mark.label && (
        <text className="agent-edge-label" x={label.x} y={label.y} dominantBaseline="central">
          {mark.label}
        </text>
      )}
    </g>
  );
}

/** The line ends where its arrow head begins to be wide. */
function shortened(corners: readonly Spot[]): Spot[] {
  const [before, tip] = corners.slice(-2);
  if (!before || !tip) return [...corners];
  const { x, y } = direction(before, tip);
  return [...corners.slice(0, -1), { x: tip.x - x * HEAD * 0.7, y: tip.y - y * HEAD * 0.7 }];
}

function head(corners: readonly Spot[], width: number): string {
  const [before, tip] = corners.slice(-2);
  if (!before || !tip) return "";
  const { x, y } = direction(before, tip);
  const half = 3.5 + width * 0.6;
  const back = { x: tip.x - x * HEAD, y: tip.y - y * HEAD };
  const left = `${back.x - y * half} ${back.y + x * half}`;
  const right = `${back.x + y * half} ${back.y - x * half}`;
  return `M${tip.x} ${tip.y}L${left}L${right}Z`;
}

function direction(from: Spot, to: Spot): Spot {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
}
