// A node's box: its name, its status as icon and word, and its figures.
import { Handle, Position } from "@xyflow/react";
import type { Node, NodeProps } from "@xyflow/react";
import type { CSSProperties } from "react";
import type { NodeView } from "../records";
import { isEnd } from "./marks";
import type { NodeMark } from "./marks";
import { StatusIcon } from "./StatusIcon";

export interface AgentNodeData extends Record<string, unknown> {
  view: NodeView;
  mark: NodeMark;
  chosen: boolean;
  onChoose?: (id: string) => void;
}

export function AgentNode({ data }: NodeProps<Node<AgentNodeData>>) {
  const { view, mark, chosen, onChoose } = data;
  const plain = isEnd(view.id);
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      {plain || !onChoose ? (
        <div className={classes(mark, plain)} style={shade(mark)}>
          <Inside view={view} mark={mark} />
        </div>
      ) : (
        <button
          type="button"
          className={`${classes(mark, false)} nopan`}
          style={shade(mark)}
          aria-label={mark.words}
          aria-current={chosen ? "step" : undefined}
          data-node={view.id}
          onClick={() => onChoose(view.id)}
        >
          <Inside view={view} mark={mark} />
        </button>
      )}
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </>
  );
}

function Inside({ view, mark }: { view: NodeView; mark: NodeMark }) {
  return (
    <>
      <span className="agent-node-name">
        {mark.status && <StatusIcon status={mark.status} />}
        {view.label}
        {mark.badge && <span className="agent-node-badge">{mark.badge}</span>}
      </span>
      {mark.lines.map((line, i) => (
        <span key={i} className="agent-node-line">
          {line}
        </span>
      ))}
    </>
  );
}

function classes(mark: NodeMark, plain: boolean): string {
  const status = mark.status ? ` is-${mark.status.replace(" ", "-")}` : "";
  return `agent-node${plain ? " is-end" : ""}${mark.faint ? " is-faint" : ""}${status}`;
}

function shade(mark: NodeMark): CSSProperties | undefined {
  if (mark.shade === undefined) return undefined;
  return { "--shade": `${Math.round(mark.shade * 100)}%` } as CSSProperties;
}
