// A word diff: what was removed is struck out, what was added underlined.
import type { Word } from "../records";
import "./diff.css";

interface Props {
  words: readonly Word[];
  /** `removed` shows the old text, `added` the new one; by default both stand in one text. */
  side?: "removed" | "added";
}

/** Pieces keep their spaces; screen readers hear `deletion` and `insertion`. */
export function Diff({ words, side }: Props) {
  return (
    <span className="diff" dir="auto">
      {words
        .filter((word) => word.kind === "same" || side === undefined || word.kind === side)
        .map((word, place) => piece(word, place))}
    </span>
  );
}

function piece(word: Word, place: number) {
  if (word.kind === "removed") return <del key={place}>{word.text}</del>;
  if (word.kind === "added") return <ins key={place}>{word.text}</ins>;
  return <span key={place}>{word.text}</span>;
}

/** Words; of scripts without spaces, letters. */
const WORDS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{M}\p{N}'’]+/gu;

/** Whether two texts have at least half of their words in common: a diff of others is noise. */
export function areAlike(words: readonly Word[]): boolean {
  const many = (kind: Word["kind"]) =>
    words
      .filter((word) => word.kind === kind)
      .reduce((sum, word) => sum + (word.text.match(WORDS)?.length ?? 0), 0);
  return many("same") >= Math.max(many("removed"), many("added"));
}
