// Two runs: their figures side by side, and their dialogues by persona.
import { Link } from "wouter";
import { go, to } from "../address";
import { Page } from "../parts/Page";
import { Answer, Empty } from "../parts/State";
import { useRunComparison } from "../queries";
import type { DialogueCard, Pairing, RunComparison } from "../records";
import { decimal, ending, NONE, several, signed } from "../words";
import { RunFigures } from "./RunFigures";

const LIMIT = 50;

interface CompareRunsProps {
  a: string;
  b: string;
  offset: number;
}

export function CompareRuns({ a, b, offset }: CompareRunsProps) {
  const query = useRunComparison(a, b, offset, LIMIT);
  const found = query.data;
  const title = found ? `${found.a.card.name} and ${found.b.card.name}` : "Two runs";
  return (
    <Page wide title={title} crumbs={[]}>
      <Answer query={query} what="both runs">
        {(page) => (
          <>
            <RunFigures a={page.a} b={page.b} />
            <Pairs page={page} a={a} b={b} />
          </>
        )}
      </Answer>
    </Page>
  );
}

function Pairs({ page, a, b }: { page: RunComparison; a: string; b: string }) {
  const alone = [
    page.only_a ? `${several(page.only_a, "dialogue")} only in A` : "",
    page.only_b ? `${several(page.only_b, "dialogue")} only in B` : "",
  ].filter(Boolean);
  return (
    <section className="panel stack" aria-labelledby="pairs">
      <div className="row spread">
        <h2 id="pairs">{several(page.total, "dialogue")} with the same persona</h2>
        {alone.length > 0 && <span className="quiet small">{alone.join(", ")}</span>}
      </div>
      {page.rows.length ? (
        <PairTable rows={page.rows} a={a} b={b} />
      ) : (
        <Empty>There are none.</Empty>
      )}
      <Pager page={page} a={a} b={b} />
    </section>
  );
}

function PairTable({ rows, a, b }: { rows: readonly Pairing[]; a: string; b: string }) {
  return (
    <div className="scrolls" role="region" aria-label="Dialogues of both runs" tabIndex={0}>
      <table className="pairs">
        <thead>
          <tr>
            <th scope="col">Persona</th>
            <th scope="col">A</th>
            <th scope="col">B</th>
            <th scope="col">First difference</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.a.index} ${row.b.index}`}>
              <th scope="row">
                <Link href={to.compareDialogues(a, row.a.index, b, row.b.index)} dir="auto">
                  {row.a.name}
                </Link>
                <span className="quiet small block">{row.a.problem}</span>
              </th>
              <td>
                <CardFigures card={row.a} />
              </td>
              <td>
                <CardFigures card={row.b} />
              </td>
              <td>{row.first_difference === null ? "none" : `turn ${row.first_difference}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CardFigures({ card }: { card: DialogueCard }) {
  const { first_intensity: first, last_intensity: last, mean_rating: rating } = card.outcome;
  const relief = first === null || last === null ? NONE : signed(first - last, 0);
  return (
    <>
      {several(card.turns, "reply", "replies")}, {ending(card)}
      <span className="quiet small block">
        relief {relief}, rating {decimal(rating, 1)}
        {card.set_aside > 0 && `, ${card.set_aside} set aside`}
      </span>
    </>
  );
}

function Pager({ page, a, b }: { page: RunComparison; a: string; b: string }) {
  const { offset, total, rows } = page;
  if (total <= rows.length) return null;
  const turnTo = (at: number) => go(`${to.compareRuns(a, b)}&offset=${Math.max(0, at)}`);
  return (
    <nav className="row" aria-label="Pages">
      <button type="button" disabled={offset === 0} onClick={() => turnTo(offset - LIMIT)}>
        Previous
      </button>
      <span>
        {offset + 1} to {offset + rows.length} of {total}
      </span>
      <button
        type="button"
        disabled={offset + rows.length >= total}
        onClick={() => turnTo(offset + LIMIT)}
      >
        Next
      </button>
    </nav>
  );
}
