// Where things of a laid-out graph stand on the screen: character cells to pixels, corners to paths.
import type { EdgeView, GraphView, NodeView } from "../records";

// Letters in boxes are as large as this allows: graphs are high, and are shown smaller than drawn.
const COLUMN = 9.5;
const ROW = 17;
const RADIUS = 8;

export interface Spot {
  x: number;
  y: number;
}

export interface Frame extends Spot {
  width: number;
  height: number;
}

/** The middle of a cell. */
export function spot(cell: readonly unknown[]): Spot {
  return { x: (Number(cell[0]) + 0.5) * COLUMN, y: (Number(cell[1]) + 0.5) * ROW };
}

/** A node's frame, on which its edges begin and end. */
export function frameOf(node: NodeView): Frame {
  const { x, y } = spot([node.x, node.y]);
  return { x, y, width: node.width * COLUMN, height: node.height * ROW };
}

/** What the whole drawing needs. */
export function boundsOf(graph: GraphView): Frame {
  return { x: 0, y: 0, width: graph.width * COLUMN, height: graph.height * ROW };
}

/** The corners of an edge, ends included. */
export function cornersOf(edge: EdgeView): Spot[] {
  return edge.points.map(spot);
}

/** Where an edge's label begins; its height is centred on `y`. */
export function labelSpot(edge: EdgeView): Spot {
  const { x, y } = spot(edge.label_at);
  return { x: x - COLUMN / 2, y };
}

/** An SVG path through corners, each of them rounded. */
export function rounded(corners: readonly Spot[]): string {
  const [first, ...rest] = corners;
  if (!first) return "";
  const steps = rest.map((corner, i) => {
    const next = rest[i + 1];
    return next ? bend(corners[i]!, corner, next) : `L${at(corner)}`;
  });
  return `M${at(first)}${steps.join("")}`;
}

function bend(before: Spot, corner: Spot, after: Spot): string {
  const start = towards(corner, before);
  const end = towards(corner, after);
  return `L${at(start)}Q${at(corner)} ${at(end)}`;
}

/** The point a radius (at most half the way) from `from` on the way to `to`. */
function towards(from: Spot, to: Spot): Spot {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const share = Math.min(RADIUS, length / 2) / length;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

function at({ x, y }: Spot): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}
