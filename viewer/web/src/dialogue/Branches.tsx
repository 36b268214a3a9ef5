// Where a branch comes from, and which branches a dialogue has, with what became of them.
import { Link } from "wouter";
import { to } from "../address";
import { BranchSign } from "../parts/BranchSign";
import { Notice } from "../parts/State";
import { carries } from "../queries";
import type { Branch, DialogueCard, DialoguePage } from "../records";
import { decimal, ending, NONE } from "../words";

interface Props {
  run: string;
  page: DialoguePage;
}

/** For a branch: its origin, where it was forked and what was changed. */
export function Origin({ run, page }: Props) {
  const { origin, index } = page.card;
  if (page.fork === null) return null;
  const compare = origin !== null && carries.compare(`${run}/${origin}`, `${run}/${index}`) && (
    <Link className="button" href={to.compareDialogues(run, origin, run, index)}>
      Compare with the origin
    </Link>
  );
  return (
    <Notice tone="accent" action={compare}>
      <BranchSign /> Branch of{" "}
      {origin === null || !carries.dialogue(run, origin) ? (
        `dialogue ${origin ?? page.fork.origin}`
      ) : (
        <Link href={to.dialogue(run, origin, page.fork.turn)}>dialogue {origin}</Link>
      )}
      , changed {page.changed}{" "}
      <Link href={to.dialogue(run, index, page.fork.turn)}>Go to turn {page.fork.turn}</Link>
    </Notice>
  );
}

/** The branches of a dialogue, each with what was changed, beside what became of itself. */
export function Branches({ run, page }: Props) {
  return (
    <section className="panel stack" aria-labelledby="branches">
      <h2 id="branches">Branches</h2>
      <table className="branches">
        <thead>
          <tr>
            <td />
            <th scope="col">Ended</th>
            <th scope="col">Intensity</th>
            <th scope="col">Rating</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">this dialogue</th>
            <Became card={page.card} />
          </tr>
        </tbody>
        {page.branches.map((branch) => (
          <BranchRows key={branch.index} run={run} card={page.card} branch={branch} />
        ))}
      </table>
    </section>
  );
}

interface RowsProps {
  run: string;
  card: DialogueCard;
  branch: Branch;
}

function BranchRows({ run, card, branch }: RowsProps) {
  const name = (
    <>
      <BranchSign /> dialogue {branch.index}
    </>
  );
  return (
    <tbody>
      <tr>
        <th scope="row">
          {carries.dialogue(run, branch.index) ? (
            <Link href={to.dialogue(run, branch.index, branch.turn)}>{name}</Link>
          ) : (
            name
          )}
        </th>
        <Became card={branch} />
      </tr>
      <tr className="branch-change">
        <td colSpan={4}>
          <span dir="auto">
            from turn {branch.turn} on: {branch.change}
          </span>{" "}
          {carries.compare(`${run}/${card.index}`, `${run}/${branch.index}`) && (
            <Link href={to.compareDialogues(run, card.index, run, branch.index)}>
              Compare<span className="hidden-visually"> with dialogue {branch.index}</span>
            </Link>
          )}
        </td>
      </tr>
    </tbody>
  );
}

/** How it ended, and what it did to the seeker. */
function Became({ card }: { card: Pick<DialogueCard, "status" | "stop_reason" | "outcome"> }) {
  const { first_intensity: first, last_intensity: last, mean_rating: rating } = card.outcome;
  return (
    <>
      <td className={card.status === "failed" ? "failed" : undefined}>{ending(card)}</td>
      <td>{first === null || last === null ? NONE : `${first} → ${last}`}</td>
      <td>{decimal(rating, 1)}</td>
    </>
  );
}
