// What the calls of each role amount to.
import type { RoleUsage } from "../records";
import { brief, count } from "../words";

export function Usage({ usage }: { usage: readonly RoleUsage[] }) {
  return (
    <section className="panel stack">
      <h2>Calls by role and model</h2>
      <div className="scrolls" tabIndex={0} role="group" aria-label="Calls by role and model">
        <table className="usage">
          <thead>
            <tr>
              <th scope="col">Role</th>
              <th scope="col" className="number">
                Calls
              </th>
              <th scope="col" className="number">
                Prompt
              </th>
              <th scope="col" className="number">
                Answer
              </th>
            </tr>
          </thead>
          <tbody>
            {usage.map((row) => (
              <tr key={`${row.role} ${row.model}`}>
                <th scope="row">
                  {row.role}
                  <br />
                  <span className="mono">{row.model}</span>
                </th>
                <td className="number">
                  {count(row.calls)}
                  {row.failed > 0 && (
                    <>
                      <br />
                      <span className="small failed">{count(row.failed)} failed</span>
                    </>
                  )}
                </td>
                <td className="number">{brief(row.prompt_tokens)}</td>
                <td className="number">{brief(row.completion_tokens)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="small quiet">Prompt and answer in tokens; – where the server did not count.</p>
    </section>
  );
}
