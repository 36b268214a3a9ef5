// The figures of two runs, and what lies between them.
import { Link } from "wouter";
import { to } from "../address";
import type { RunPage } from "../records";
import { count, decimal, NONE, signed } from "../words";

interface Figure {
  name: string;
  of(run: RunPage): number | null;
  places: number;
}

const FIGURES: readonly Figure[] = [
  { name: "Dialogues", of: (run) => run.card.dialogues, places: 0 },
  { name: "Replies", of: (run) => run.card.turns, places: 0 },
  { name: "Failed dialogues", of: (run) => run.card.failed, places: 0 },
  { name: "Turns set aside", of: (run) => run.card.set_aside, places: 0 },
  { name: "Crises", of: (run) => run.card.crises, places: 0 },
  { name: "Mean relief, points of 5", of: (run) => run.relief, places: 2 },
  { name: "Mean rating of 5", of: (run) => run.rating, places: 2 },
];

export function RunFigures({ a, b }: { a: RunPage; b: RunPage }) {
  return (
    <section className="panel" aria-label="Figures of both runs">
      <div className="scrolls">
        <table className="run-figures">
          <thead>
            <tr>
              <td />
              <Head letter="A" run={a} />
              <Head letter="B" run={b} />
              <th scope="col" className="number">
                B − A
              </th>
            </tr>
          </thead>
          <tbody>
            <tr>
              <th scope="row">Graph</th>
              <td>{a.card.graph}</td>
              <td>{b.card.graph}</td>
              <td />
            </tr>
            <tr>
              <th scope="row">Models</th>
              <td>{a.card.models.join(", ") || NONE}</td>
              <td>{b.card.models.join(", ") || NONE}</td>
              <td />
            </tr>
            {FIGURES.map((figure) => (
              <FigureRow key={figure.name} figure={figure} a={a} b={b} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Head({ letter, run }: { letter: string; run: RunPage }) {
  return (
    <th scope="col">
      {letter}: <Link href={to.run(run.card.key)}>{run.card.name}</Link>
    </th>
  );
}

function FigureRow({ figure, a, b }: { figure: Figure; a: RunPage; b: RunPage }) {
  const [x, y] = [figure.of(a), figure.of(b)];
  const written = (n: number | null) => (figure.places ? decimal(n, figure.places) : count(n));
  return (
    <tr>
      <th scope="row">{figure.name}</th>
      <td>{written(x)}</td>
      <td>{written(y)}</td>
      <td className="number">{x === null || y === null ? NONE : signed(y - x, figure.places)}</td>
    </tr>
  );
}
