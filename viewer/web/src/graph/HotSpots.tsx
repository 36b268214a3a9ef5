// Every node of a run with its figures, the one that took the most time first.
import type { GraphPage, NodeView } from "../records";
import { count, percent } from "../words";
import { latency } from "./latency";
import { isEnd } from "./marks";
import { spent } from "./runMarks";

interface HotSpotsProps {
  page: GraphPage;
  chosen?: string;
  onChoose(node: string): void;
}

export function HotSpots({ page, chosen, onChoose }: HotSpotsProps) {
  const nodes = inSequence(page);
  const total = nodes.reduce((sum, node) => sum + (spent(node) ?? 0), 0);
  return (
    <section className="panel stack" aria-labelledby="hot-spots">
      <h2 id="hot-spots">Hot spots</h2>
      <div className="scrolls">
        <table className="figure-table">
          <thead>
            <tr>
              <th scope="col">Node</th>
              {["Time spent", "Calls", "Mean latency", "Errors", "Re-asked", "Turns"].map(
                (name) => (
                  <th key={name} scope="col" className="number">
                    {name}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {nodes.map((node) => (
              <tr key={node.id} className={node.id === chosen ? "is-chosen" : undefined}>
                <th scope="row">
                  <button type="button" className="link-button" onClick={() => onChoose(node.id)}>
                    {node.label}
                  </button>
                </th>
                <Figures node={node} total={total} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Figures({ node, total }: { node: NodeView; total: number }) {
  const time = spent(node);
  const asked = node.calls !== null;
  return (
    <>
      <td className="number">
        {latency(time)}
        {time !== null && total > 0 && <Share of={time / total} />}
      </td>
      <td className="number">{count(node.calls)}</td>
      <td className="number">{latency(node.mean_latency_ms)}</td>
      <td className={node.errors ? "number is-wrong" : "number"}>
        {count(asked ? node.errors : null)}
      </td>
      <td className="number">{count(asked ? node.re_asks : null)}</td>
      <td className="number">{count(node.turns)}</td>
    </>
  );
}

function Share({ of }: { of: number }) {
  return (
    <>
      , {percent(of)}
      <span className="time-share" aria-hidden="true">
        <span style={{ width: `${100 * of}%` }} />
      </span>
    </>
  );
}

/** As `hot` says; then those without timed calls, as the graph has them. */
function inSequence({ graph, hot }: GraphPage): NodeView[] {
  const place = (node: NodeView) => {
    const at = hot.indexOf(node.id);
    return at < 0 ? hot.length : at;
  };
  return graph.nodes.filter((node) => !isEnd(node.id)).sort((a, b) => place(a) - place(b));
}
