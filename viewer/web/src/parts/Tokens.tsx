// Tokens of a prompt and its answer, in short.
import { brief, count, NONE } from "../words";

interface Props {
  prompt: number | null;
  completion: number | null;
  cached?: number | null;
}

/** `1,204 → 88`; unknown where the server did not count. */
export function Tokens({ prompt, completion, cached }: Props) {
  if (prompt === null && completion === null) {
    return <span title="the server did not count tokens">{NONE}</span>;
  }
  const note = cached ? `, ${count(cached)} of the prompt's from a cache` : "";
  const words = `${count(prompt)} prompt tokens, ${count(completion)} answer tokens${note}`;
  return (
    <span className="tokens" title={words}>
      <span className="hidden-visually">{words}</span>
      <span aria-hidden="true">
        {brief(prompt)} → {brief(completion)}
      </span>
    </span>
  );
}
