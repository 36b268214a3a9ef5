// Two dialogues turn by turn, in two columns; stretches of equal turns are folded.
import { Link } from "wouter";
import { to } from "../address";
import { Page } from "../parts/Page";
import { Answer, Empty } from "../parts/State";
import { useDialogueComparison } from "../queries";
import type { Aligned, DialogueComparison, Side } from "../records";
import { AlignedTurn } from "./AlignedTurn";
import { changeWords } from "./changeWords";
import { Outcomes } from "./Outcomes";

export function CompareDialogues({ a, b }: { a: string; b: string }) {
  const query = useDialogueComparison(a, b);
  const found = query.data;
  const [one, other] = [found?.a.card, found?.b.card];
  const same = one && one.persona_id === other?.persona_id;
  const title = same ? `${one.name}: two courses` : one ? `${one.name}, ${other?.name}` : "Two dialogues";
  return (
    <Page wide title={title} crumbs={found ? crumbsOf(found) : []}>
      <Answer query={query} what="both dialogues">
        {(page) => <TurnByTurn page={page} />}
      </Answer>
    </Page>
  );
}

function crumbsOf({ a, b }: DialogueComparison) {
  if (a.run === b.run) return [{ label: a.run_name, to: to.run(a.run) }];
  return [
    { label: a.run_name, to: to.run(a.run) },
    { label: b.run_name, to: to.run(b.run) },
  ];
}

function TurnByTurn({ page }: { page: DialogueComparison }) {
  const stretches = stretchesOf(page.turns);
  return (
    <>
      <div className="sides">
        <SideHead letter="A" side={page.a} />
        <SideHead letter="B" side={page.b} />
      </div>
      <Outcomes page={page} />
      {page.turns.length === 0 && <Empty>Neither has a turn yet.</Empty>}
      {page.turns.length > 0 && stretches.every((stretch) => stretch[0]!.same) && (
        <p>All that was said and thought is the same.</p>
      )}
      {stretches.map((stretch) =>
        stretch[0]!.same ? (
          <Folded key={stretch[0]!.number} turns={stretch} page={page} />
        ) : (
          stretch.map((turn) => <AlignedTurn key={turn.number} aligned={turn} page={page} />)
        ),
      )}
    </>
  );
}

function SideHead({ letter, side }: { letter: string; side: Side }) {
  const { card, run, run_name: name, fork } = side;
  return (
    <section className="panel" aria-label={`Side ${letter}`}>
      <h2>
        <span className="side-letter">{letter}</span>{" "}
        <Link href={to.dialogue(run, card.index)}>Dialogue {card.index}</Link>
      </h2>
      <p className="quiet" dir="auto">
        {name}
      </p>
      {fork && (
        <p dir="auto">
          Branch of {fork.origin} from turn {fork.turn} on: {changeWords(fork.change)}
        </p>
      )}
    </section>
  );
}

/** Turns in stretches that are equal or not. */
function stretchesOf(turns: readonly Aligned[]): Aligned[][] {
  const found: Aligned[][] = [];
  for (const turn of turns) {
    const last = found.at(-1);
    if (last && last[0]!.same === turn.same) last.push(turn);
    else found.push([turn]);
  }
  return found;
}

function Folded({ turns, page }: { turns: readonly Aligned[]; page: DialogueComparison }) {
  const [first, last] = [turns[0]!.number, turns.at(-1)!.number];
  const what =
    first === 1
      ? `The same up to turn ${last}`
      : first === last
        ? `Turn ${first} is the same`
        : `Turns ${first} to ${last} are the same`;
  return (
    <details className="folded">
      <summary>{what}</summary>
      {turns.map((turn) => (
        <AlignedTurn key={turn.number} aligned={turn} page={page} />
      ))}
    </details>
  );
}
