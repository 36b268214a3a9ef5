// What was thought in a turn on both sides: the seeker's private state, plan, draft, reflection.
import type { TurnView } from "../records";
import { NONE } from "../words";

interface Thought {
  name: string;
  a: string;
  b: string;
}

export function Thoughts({ a, b }: { a: TurnView | null; b: TurnView | null }) {
  const thoughts = NAMES.map((name) => ({ name, a: said(a, name), b: said(b, name) }));
  const known = thoughts.filter((thought) => thought.a || thought.b);
  if (known.length === 0) return null;
  const differing = known.filter((thought) => thought.a !== thought.b);
  const names = differing.map((thought) => thought.name.toLowerCase()).join(", ");
  return (
    <details className="thoughts">
      <summary>
        Thoughts{a && b && <span className="quiet">: {names ? `other ${names}` : "the same"}</span>}
      </summary>
      <dl>
        {known.map((thought) => (
          <ThoughtRow key={thought.name} thought={thought} both={a !== null && b !== null} />
        ))}
      </dl>
    </details>
  );
}

function ThoughtRow({ thought: { name, a, b }, both }: { thought: Thought; both: boolean }) {
  const same = a === b;
  return (
    <div className="thought">
      <dt>
        {name} {both && !same && <span className="thought-differs">≠ differs</span>}
      </dt>
      {same ? (
        <dd className="is-wide" dir="auto">
          {a}
        </dd>
      ) : (
        <>
          <dd dir="auto">
            <span className="hidden-visually">A: </span>
            {a || NONE}
          </dd>
          <dd dir="auto">
            <span className="hidden-visually">B: </span>
            {b || NONE}
          </dd>
        </>
      )}
    </div>
  );
}

/** How each thought is written; empty where there is none. */
const WRITTEN: Record<string, (view: TurnView) => string | null | undefined> = {
  Feeling: ({ turn: { seeker } }) =>
    seeker.emotion &&
    `${seeker.emotion}${seeker.intensity ? `, intensity ${seeker.intensity}` : ""}`,
  Disclosed: ({ turn }) => turn.seeker.disclosed.join("; "),
  Rating: ({ turn }) => (turn.seeker.rating === null ? "" : `${turn.seeker.rating} of 5`),
  Crisis: ({ turn }) => (turn.guard.crisis ? (turn.guard.kind ?? "yes") : ""),
  Strategy: ({ turn }) => turn.plan?.strategy,
  Stage: ({ turn }) => turn.plan?.stage,
  "Reason for it": ({ turn }) => turn.plan?.reason,
  Draft: ({ turn }) => turn.draft?.text,
  "Inferred person": ({ turn }) => turn.reflection?.who,
  "Inferred feeling": ({ turn: { reflection } }) =>
    reflection && `${reflection.emotion}, intensity ${reflection.intensity}`,
  "Inferred situation": ({ turn }) => turn.reflection?.situation,
  Needs: ({ turn }) => turn.reflection?.needs.join("\n"),
  "To avoid": ({ turn }) => turn.reflection?.avoid.join("\n"),
  "Set aside": ({ turn }) => turn.set_aside.map((one) => `${one.role}: ${one.reason}`).join("\n"),
};
const NAMES = Object.keys(WRITTEN);

function said(view: TurnView | null, name: string): string {
  return (view && WRITTEN[name]?.(view)) || "";
}
