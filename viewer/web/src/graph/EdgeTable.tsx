// The edges of a run's graph as a table, for who does not look at drawings.
import type { EdgeView, NodeView } from "../records";
import { count } from "../words";

export function EdgeTable({
  edges,
  nodes,
}: {
  edges: readonly EdgeView[];
  nodes: readonly NodeView[];
}) {
  const names = new Map(nodes.map((node) => [node.id, node.label]));
  const most = [...edges].sort((a, b) => (b.taken ?? 0) - (a.taken ?? 0));
  return (
    <details className="panel table-form">
      <summary>Which way turns went, as a table</summary>
      <div className="scrolls">
        <table className="figure-table">
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">Condition</th>
              <th scope="col" className="number">
                Turns
              </th>
            </tr>
          </thead>
          <tbody>
            {most.map((edge) => (
              <tr key={`${edge.source} ${edge.target}`}>
                <td>{names.get(edge.source) ?? edge.source}</td>
                <td>{names.get(edge.target) ?? edge.target}</td>
                <td>{edge.conditional ? edge.label || "yes" : "always"}</td>
                <td className="number">{count(edge.taken)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
