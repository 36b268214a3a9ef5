// From page to page of a list.
import { count } from "../words";

interface Props {
  list: { total: number; offset: number; rows: readonly unknown[] };
  /** Rows of a page. */
  size: number;
  turn: (offset: number) => void;
}

export function Paging({ list: { total, offset, rows }, size, turn }: Props) {
  if (total <= size && offset === 0) return null;
  const go = (to: number) => {
    turn(to);
    const main = document.getElementById("main");
    main?.focus({ preventScroll: true });
    main?.scrollIntoView(); // a page of replies is long: the next one begins at its top
  };
  return (
    <nav aria-label="Pages of the list" className="row">
      <button type="button" disabled={offset === 0} onClick={() => go(Math.max(0, offset - size))}>
        ← Previous
      </button>
      <span className="small">
        Page {count(Math.floor(offset / size) + 1)} of {count(Math.max(1, Math.ceil(total / size)))}
      </span>
      <button type="button" disabled={offset + rows.length >= total} onClick={() => go(offset + size)}>
        Next →
      </button>
    </nav>
  );
}
