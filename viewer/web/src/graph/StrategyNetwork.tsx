// The strategy-transition network: eight discs on a circle, and what follows what.
import { ReactFlow, ReactFlowProvider } from "@xyflow/react";
import type { Edge, Node } from "@xyflow/react";
import { useMemo } from "react";
import type { StrategyEdge, StrategyPage } from "../records";
import { handles, STILL } from "./AgentGraph";
import { BOUNDS, curve, loop, onCircle, radiusOf } from "./circle";
import type { Disc } from "./circle";
import { StrategyCurve, StrategyDisc } from "./StrategyParts";
import type { CurveData, DiscData, Focus } from "./StrategyParts";
import { Zoom } from "./Zoom";

const nodeTypes = { strategy: StrategyDisc };
const edgeTypes = { after: StrategyCurve };

interface StrategyNetworkProps {
  page: StrategyPage;
  /** Edges that came at least so often are drawn. */
  least: number;
  chosen: Focus | null;
  onHover(focus: Focus | null): void;
  onChoose(focus: Focus): void;
}

export function StrategyNetwork(props: StrategyNetworkProps) {
  const { page } = props;
  const discs = useMemo(() => discsOf(page), [page]);
  const { least, chosen, onHover, onChoose } = props;
  const nodes = useMemo(
    () => nodesOf(discs, { page, least, chosen, onHover, onChoose }),
    [discs, page, least, chosen, onHover, onChoose],
  );
  const edges = useMemo(
    () => edgesOf(discs, { page, least, chosen, onHover, onChoose }),
    [discs, page, least, chosen, onHover, onChoose],
  );
  return (
    <div className="agent-graph strategy-network">
      <ReactFlowProvider>
        <ReactFlow
          aria-label="Strategy-transition network"
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          {...STILL}
        >
          <Zoom bounds={BOUNDS} />
        </ReactFlow>
      </ReactFlowProvider>
    </div>
  );
}

function discsOf(page: StrategyPage): Map<string, Disc> {
  const most = Math.max(...page.nodes.map((node) => node.times));
  return new Map(
    page.nodes.map((node, i) => [
      node.strategy,
      { ...onCircle(i, page.nodes.length), radius: radiusOf(node.times, most) },
    ]),
  );
}

function nodesOf(discs: Map<string, Disc>, props: StrategyNetworkProps): Node<DiscData>[] {
  const { page, chosen, onHover, onChoose } = props;
  return page.nodes.map((view) => {
    const { x, y, radius } = discs.get(view.strategy)!;
    const size = 2 * radius;
    return {
      id: view.strategy,
      type: "strategy",
      position: { x: x - radius, y: y - radius },
      data: {
        view,
        above: y < -1,
        chosen: isSame(chosen, view),
        faint: !touches(chosen, view.strategy),
        onHover,
        onChoose,
      },
      width: size,
      height: size,
      measured: { width: size, height: size },
      handles: handles(size, size),
      style: { pointerEvents: "all" },
    };
  });
}

/** The rare ones first, so that the common ones lie on top. */
function edgesOf(discs: Map<string, Disc>, props: StrategyNetworkProps): Edge<CurveData>[] {
  const { page, least, chosen, onHover, onChoose } = props;
  const most = Math.max(1, ...page.edges.map((edge) => edge.times));
  return page.edges
    .filter((view) => view.times >= least)
    .sort((a, b) => a.times - b.times)
    .map((view) => {
      const [from, to] = [discs.get(view.source)!, discs.get(view.target)!];
      const width = 1 + (6 * view.times) / most;
      const drawn = from === to ? loop(from, width) : curve(from, to, width);
      const tone = chosen === null ? "plain" : holds(chosen, view) ? "strong" : "faint";
      return {
        id: `${view.source} → ${view.target}`,
        type: "after",
        source: view.source,
        target: view.target,
        data: { view, curve: drawn, width, tone, onHover, onChoose },
      };
    });
}

export function isSame(a: Focus | null, b: Focus): boolean {
  if (a === null) return false;
  if ("strategy" in a) return "strategy" in b && a.strategy === b.strategy;
  return !("strategy" in b) && a.source === b.source && a.target === b.target;
}

/** Whether an edge belongs to what is chosen: itself, or what leaves a chosen strategy. */
function holds(chosen: Focus, edge: StrategyEdge): boolean {
  return "strategy" in chosen ? edge.source === chosen.strategy : isSame(chosen, edge);
}

function touches(chosen: Focus | null, strategy: string): boolean {
  if (chosen === null || "strategy" in chosen) return true;
  return chosen.source === strategy || chosen.target === strategy;
}
