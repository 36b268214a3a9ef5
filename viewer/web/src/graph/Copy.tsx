// A button that copies a text, and says so.
import { useEffect, useState } from "react";

export function Copy({ text, what }: { text: string; what: string }) {
  const [said, say] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => say(""), 2500);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () =>
    write(text).then(
      () => say("Copied"),
      () => say("Not copied: the browser does not allow it"),
    );
  return (
    <span className="copy">
      <button type="button" className="plain small" aria-label={`Copy ${what}`} onClick={copy}>
        Copy
      </button>
      <span role="status">{said}</span>
    </span>
  );
}

/** A file on disk has no clipboard of the new kind in every browser. */
async function write(text: string): Promise<void> {
  if (!navigator.clipboard) throw new Error("no clipboard");
  await navigator.clipboard.writeText(text);
}
