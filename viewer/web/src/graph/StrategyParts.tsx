// A strategy's disc and an edge between two, as the network draws them.
import { Handle, Position } from "@xyflow/react";
import type { Edge, EdgeProps, Node, NodeProps } from "@xyflow/react";
import type { StrategyEdge, StrategyNode } from "../records";
import { brief, shortStrategy, several, signed, decimal } from "../words";
import type { Curve } from "./circle";

/** What is pointed at or chosen: a strategy, or one after another. */
export type Focus = StrategyNode | StrategyEdge;

interface Pointing {
  /** Shown while it is pointed at. */
  onHover(focus: Focus | null): void;
  onChoose(focus: Focus): void;
}

export interface DiscData extends Record<string, unknown>, Pointing {
  view: StrategyNode;
  /** Whether its name stands above. */
  above: boolean;
  chosen: boolean;
  faint: boolean;
}

export interface CurveData extends Record<string, unknown>, Pointing {
  view: StrategyEdge;
  curve: Curve;
  width: number;
  tone: "plain" | "strong" | "faint";
}

/** All that is known of it, in words. */
export function inWords(focus: Focus): string {
  const name = "strategy" in focus ? focus.strategy : `${focus.source}, then ${focus.target}`;
  const relief = `mean relief ${signed(focus.mean_relief)}`;
  return `${name}: ${several(focus.times, "time")}, ${relief}, mean rating ${decimal(focus.mean_rating)}`;
}

export function StrategyDisc({ data }: NodeProps<Node<DiscData>>) {
  const { view, above, chosen, faint, onHover, onChoose } = data;
  const name = <span className="disc-name">{shortStrategy(view.strategy)}</span>;
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <button
        type="button"
        className={`disc nopan${faint ? " is-faint" : ""}${above ? " is-above" : ""}`}
        aria-label={inWords(view)}
        aria-pressed={chosen}
        onClick={() => onChoose(view)}
        onFocus={() => onHover(view)}
        onBlur={() => onHover(null)}
        onPointerEnter={() => onHover(view)}
        onPointerLeave={() => onHover(null)}
      >
        {brief(view.times)}
        {name}
      </button>
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </>
  );
}

export function StrategyCurve({ data }: EdgeProps<Edge<CurveData>>) {
  if (!data) return null;
  const { view, curve, width, tone, onHover, onChoose } = data;
  return (
    <g
      className={`curve is-${tone}`}
      role="button"
      tabIndex={0}
      aria-label={inWords(view)}
      onClick={() => onChoose(view)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onChoose(view);
      }}
      onFocus={() => onHover(view)}
      onBlur={() => onHover(null)}
      onPointerEnter={() => onHover(view)}
      onPointerLeave={() => onHover(null)}
    >
      <path className="curve-touch" d={curve.line} strokeWidth={Math.max(14, width)} />
      <path className="curve-line" d={curve.line} strokeWidth={width} />
      <path className="curve-head" d={curve.head} />
    </g>
  );
}
