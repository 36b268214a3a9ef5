// Where a branch comes from, and which branches a dialogue has.
import { Link } from "wouter";
import { to } from "../address";
import { isFile } from "../api";
import { StatusBadge } from "../parts/Badge";
import { BranchSign } from "../parts/BranchSign";
import { Notice } from "../parts/State";
import { carries } from "../queries";
import type { DialoguePage } from "../records";

interface Props {
  run: string;
  page: DialoguePage;
}

/** For a branch: its origin, where it was forked and what was changed. */
export function Origin({ run, page }: Props) {
  const { origin, index } = page.card;
  if (page.fork === null) return null;
  const compare = origin !== null && !isFile && (
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

/** The branches of a dialogue, each with what was changed. */
export function Branches({ run, page }: Props) {
  return (
    <section className="panel stack">
      <h2>Branches</h2>
      <ul className="stack">
        {page.branches.map((branch) => (
          <li key={branch.index} className="branch">
            <div className="row">
              {carries.dialogue(run, branch.index) ? (
                <Link href={to.dialogue(run, branch.index, branch.turn)}>
                  <BranchSign /> dialogue {branch.index}
                </Link>
              ) : (
                <span>
                  <BranchSign /> dialogue {branch.index}
                </span>
              )}
              <span className="quiet">from turn {branch.turn}</span>
              <StatusBadge status={branch.status} />
            </div>
            <p dir="auto">{branch.change}</p>
            {!isFile && (
              <Link
                className="small"
                href={to.compareDialogues(run, page.card.index, run, branch.index)}
              >
                Compare<span className="hidden-visually"> with dialogue {branch.index}</span>
              </Link>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
