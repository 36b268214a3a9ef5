// What became of two dialogues: how each ended, and the course of both feelings in one plot.
import { Change } from "../parts/Hidden";
import { LinePlot } from "../parts/LinePlot";
import type { DialogueCard, DialogueComparison, TurnView } from "../records";
import { count, decimal, ending, NONE } from "../words";

export function Outcomes({ page }: { page: DialogueComparison }) {
  const [a, b] = [page.a.card, page.b.card];
  const course = (side: "a" | "b") => page.turns.map((turn) => intensity(turn[side]));
  const [ours, theirs] = [course("a"), course("b")];
  const known = [...ours, ...theirs].some((value) => value !== null);
  return (
    <section className="panel stack" aria-labelledby="outcome">
      <h2 id="outcome">Outcome</h2>
      <div className="outcomes">
        <Figures a={a} b={b} />
        {known && (
          <LinePlot
            label="Intensity of the seeker's emotion in both dialogues, 1 to 5, by turn"
            values={ours}
            second={{ values: theirs, names: [`A: dialogue ${a.index}`, `B: dialogue ${b.index}`] }}
            height={150}
            places={0}
          />
        )}
      </div>
    </section>
  );
}

const intensity = (view: TurnView | null) => view?.turn.seeker.intensity ?? null;

function Figures({ a, b }: { a: DialogueCard; b: DialogueCard }) {
  return (
    <table className="outcome-figures">
      <thead>
        <tr>
          <td />
          <th scope="col">A</th>
          <th scope="col">B</th>
        </tr>
      </thead>
      <tbody>
        {FIGURES.map(([name, of]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{of(a)}</td>
            <td>{of(b)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const FIGURES: readonly [string, (card: DialogueCard) => React.ReactNode][] = [
  ["Ended", ending],
  ["Intensity, first to last", (card) => <Felt card={card} />],
  ["Mean rating of 5", (card) => decimal(card.outcome.mean_rating, 1)],
  ["Replies", (card) => count(card.turns)],
];

function Felt({ card }: { card: DialogueCard }) {
  const { first_intensity: first, last_intensity: last } = card.outcome;
  if (first === null || last === null) return NONE;
  return (
    <>
      {first} to {last} <Change before={first} after={last} />
    </>
  );
}
