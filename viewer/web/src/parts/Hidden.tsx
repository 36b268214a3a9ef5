// What the supporter never sees: what the seeker feels, and what a reply did to them.
import type { Effect } from "../records";
import { feltChange } from "../words";
import "./hidden.css";

export function HiddenMark() {
  return (
    <span className="private-mark" title="The supporter never sees this">
      Hidden
    </span>
  );
}

/** What a reply did, as the seeker's next turn tells; nothing where it does not tell. */
export function EffectLine({ effect }: { effect: Effect | null }) {
  if (effect === null) return null;
  const { rating, before, after } = effect;
  const felt = before !== null && after !== null;
  if (rating === null && !felt) return null;
  return (
    <p className="private effect">
      <HiddenMark /> then: {rating !== null && `rated ${rating} of 5`}
      {rating !== null && felt && ", "}
      {felt && (
        <>
          feeling {before} to {after} <Change before={before} after={after} />
        </>
      )}
    </p>
  );
}

/** Whether a feeling became stronger or weaker: a sign and a word. */
export function Change({ before, after }: { before: number; after: number }) {
  const [sign, word, tone] = feltChange(before, after);
  return (
    <span className={`felt-change ${tone}`}>
      <span aria-hidden="true">{sign}</span> {word}
    </span>
  );
}
