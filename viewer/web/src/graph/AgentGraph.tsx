// The compiled graph, drawn from a laid-out `GraphView`: zoom, pan, and nodes to choose from.
import { Position, ReactFlow, ReactFlowProvider } from "@xyflow/react";
import type { Edge, Node, NodeHandle } from "@xyflow/react";
import { useMemo } from "react";
import type { EdgeView, GraphView, NodeView } from "../records";
import { AgentEdge } from "./AgentEdge";
import type { AgentEdgeData } from "./AgentEdge";
import { AgentNode } from "./AgentNode";
import type { AgentNodeData } from "./AgentNode";
import { boundsOf, frameOf } from "./geometry";
import { edgeKey } from "./marks";
import type { EdgeMark, NodeMark } from "./marks";
import { Zoom } from "./Zoom";
import "@xyflow/react/dist/base.css";
import "./common.css";
import "./graph.css";

const nodeTypes = { agent: AgentNode };
const edgeTypes = { agent: AgentEdge };
const STRENGTH = { faint: 0, plain: 1, taken: 2 };

interface AgentGraphProps {
  graph: GraphView;
  /** For screen readers. */
  label: string;
  markNode(node: NodeView): NodeMark;
  markEdge(edge: EdgeView): EdgeMark;
  /** Id of the chosen node. */
  chosen?: string;
  /** Without it nodes cannot be chosen. */
  onChoose?: (id: string) => void;
}

export function AgentGraph({ graph, label, ...rest }: AgentGraphProps) {
  const { markNode, markEdge, chosen, onChoose } = rest;
  const nodes = useMemo(
    () => graph.nodes.map((node) => drawn(node, markNode(node), node.id === chosen, onChoose)),
    [graph, markNode, chosen, onChoose],
  );
  const bounds = useMemo(() => boundsOf(graph), [graph]);
  const edges = useMemo(() => linked(graph.edges, markEdge), [graph, markEdge]);
  return (
    <div className="agent-graph">
      <ReactFlowProvider>
        <ReactFlow
          aria-label={label}
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          {...STILL}
        >
          <Zoom bounds={bounds} />
        </ReactFlow>
      </ReactFlowProvider>
    </div>
  );
}

/** A drawing to look at: nothing moves, and no key of the page's is taken. */
export const STILL = {
  minZoom: 0.2,
  maxZoom: 2.5,
  nodesDraggable: false,
  nodesConnectable: false,
  nodesFocusable: false,
  edgesFocusable: false,
  elementsSelectable: false,
  zoomOnScroll: false,
  preventScrolling: false,
  disableKeyboardA11y: true,
  panActivationKeyCode: null,
  selectionKeyCode: null,
  multiSelectionKeyCode: null,
  deleteKeyCode: null,
  // The licence file names the library; a link would lead off the machine.
  proOptions: { hideAttribution: true },
} as const;

function drawn(
  view: NodeView,
  mark: NodeMark,
  chosen: boolean,
  onChoose?: (id: string) => void,
): Node<AgentNodeData> {
  const { x, y, width, height } = frameOf(view);
  return {
    id: view.id,
    type: "agent",
    position: { x, y },
    data: { view, mark, chosen, onChoose },
    width,
    height,
    measured: { width, height },
    handles: handles(width, height),
    style: { pointerEvents: "all" },
  };
}

/** Edges have corners of their own; the library still wants to know where they hold on. */
export function handles(width: number, height: number): NodeHandle[] {
  const middle = { x: width / 2, width: 1, height: 1 };
  return [
    { type: "source", position: Position.Bottom, y: height, ...middle },
    { type: "target", position: Position.Top, y: 0, ...middle },
  ];
}

/** The strong ones last, so that they lie on top. */
function linked(
  views: readonly EdgeView[],
  markEdge: (edge: EdgeView) => EdgeMark,
): Edge<AgentEdgeData>[] {
  return views
    .map((view) => ({ view, mark: markEdge(view) }))
    .sort((a, b) => STRENGTH[a.mark.tone] - STRENGTH[b.mark.tone])
    .map(({ view, mark }) => ({
      id: edgeKey(view),
      type: "agent",
      source: view.source,
      target: view.target,
      data: { view, mark },
    }));
}
