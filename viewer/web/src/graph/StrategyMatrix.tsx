// The eight by eight matrix: how often one strategy came after another.
import type { CSSProperties } from "react";
import type { StrategyEdge, StrategyPage } from "../records";
import { count, shortStrategy } from "../words";
import { isSame } from "./StrategyNetwork";
import { inWords } from "./StrategyParts";
import type { Focus } from "./StrategyParts";

interface StrategyMatrixProps {
  page: StrategyPage;
  chosen: Focus | null;
}

export function StrategyMatrix({ page, chosen }: StrategyMatrixProps) {
  const names = page.nodes.map((node) => node.strategy);
  const edges = new Map(page.edges.map((edge) => [`${edge.source}|${edge.target}`, edge]));
  const most = Math.max(1, ...page.edges.map((edge) => edge.times));
  return (
    <section className="panel stack" aria-labelledby="matrix">
      <h2 id="matrix">What follows what</h2>
      <div className="scrolls" tabIndex={0} role="region" aria-label="Matrix of strategies">
        <table className="matrix">
          <caption className="hidden-visually">
            How often the strategy of a column came in the turn after the strategy of a row
          </caption>
          <thead>
            <tr>
              <td className="quiet">this ↓ then →</td>
              {names.map((name) => (
                <th key={name} scope="col">
                  <abbr title={name}>{shortStrategy(name)}</abbr>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map((source) => (
              <tr key={source}>
                <th scope="row">
                  <abbr title={source}>{shortStrategy(source)}</abbr>
                </th>
                {names.map((target) => {
                  const edge = edges.get(`${source}|${target}`);
                  return <Cell key={target} edge={edge} most={most} chosen={chosen} />;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

interface CellProps {
  edge?: StrategyEdge;
  most: number;
  chosen: Focus | null;
}

function Cell({ edge, most, chosen }: CellProps) {
  if (!edge) return <td className="number quiet">0</td>;
  const shade = { "--shade": `${Math.round((38 * edge.times) / most)}%` } as CSSProperties;
  const mark = isSame(chosen, edge) ? " is-chosen" : "";
  return (
    <td className={`number matrix-cell${mark}`} style={shade} title={inWords(edge)}>
      {count(edge.times)}
    </td>
  );
}
