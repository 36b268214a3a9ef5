// Says how the connection stands: in words, with a sign of its own.
import type { Link } from "./live";

const WORDS: Record<Link, [string, string]> = {
  file: ["▤", "A file: nothing here changes"],
  joining: ["○", "Connecting …"],
  live: ["●", "Live"],
  refused: ["✕", "Restarted: open the new link"],
  lost: ["✕", "Connection lost, trying again …"],
};

export function LiveSign({ link }: { link: Link }) {
  const [sign, words] = WORDS[link];
  return (
    <span className={`live ${link}`} role="status">
      <span aria-hidden="true">{sign}</span> {words}
    </span>
  );
}
