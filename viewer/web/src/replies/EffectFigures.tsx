// What a reply did, in figures that say in words and with a sign whether that is good.
import { Change } from "../parts/Hidden";
import type { ReplyCard } from "../records";
import { NONE } from "../words";

type Effect = ReplyCard["effect"];

/** From which rating on a reply helped, and up to which it did not. */
const HELPED = 4;
const FAILED = 2;

export function Rating({ effect }: { effect: Effect }) {
  const rating = effect?.rating ?? null;
  if (rating === null) return <Unknown effect={effect} />;
  const tone = rating >= HELPED ? "good" : rating <= FAILED ? "bad" : "middling";
  return (
    <span className={`reply-figure ${tone}`}>
      <strong>{rating}</strong> of 5
    </span>
  );
}

export function FeelingChange({ effect }: { effect: Effect }) {
  if (!effect || effect.before === null || effect.after === null) return <Unknown effect={effect} />;
  return (
    <span className="reply-figure">
      {effect.before} → {effect.after} <Change before={effect.before} after={effect.after} />
    </span>
  );
}

function Unknown({ effect }: { effect: Effect }) {
  const why = effect ? "the seeker did not say" : "nobody spoke after it";
  return (
    <span className="quiet" title={why}>
      <span aria-hidden="true">{NONE}</span>
      <span className="hidden-visually">{why}</span>
    </span>
  );
}
