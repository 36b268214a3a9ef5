// The steps of a turn as a table: the same as the drawing, for who does not look at drawings.
import { Tokens } from "../parts/Tokens";
import type { Step } from "../records";
import { count } from "../words";
import { latency } from "./latency";
import { StatusWord } from "./StatusIcon";

interface StepTableProps {
  steps: readonly Step[];
  chosen: string;
  onChoose(node: string): void;
}

export function StepTable({ steps, chosen, onChoose }: StepTableProps) {
  return (
    <details className="table-form">
      <summary>The steps as a table</summary>
      <div className="scrolls">
        <table>
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Status</th>
              <th scope="col" className="number">
                Latency
              </th>
              <th scope="col" className="number">
                Tokens
              </th>
              <th scope="col" className="number">
                Attempts
              </th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step) => (
              <tr key={step.node} className={step.node === chosen ? "is-chosen" : undefined}>
                <th scope="row">
                  <button type="button" className="link-button" onClick={() => onChoose(step.node)}>
                    {step.node}
                  </button>
                </th>
                <td>
                  <StatusWord status={step.status} />
                </td>
                <td className="number">{latency(step.latency_ms)}</td>
                <td className="number">
                  <Tokens prompt={step.prompt_tokens} completion={step.completion_tokens} />
                </td>
                <td className="number">{count(step.calls.length)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
