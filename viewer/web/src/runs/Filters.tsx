// Search, filters and sequence of a list of dialogues.
import { isFile } from "../api";
import { useEffect, useRef, useState } from "react";
import type { ListQuery } from "../queries";
import type { Count } from "../records";
import { capital, plain } from "../words";
import { FILTERS, type Choices } from "./listing";

/** Rests after the last letter before it is searched, in milliseconds. */
const REST = 250;
/** One Latin letter or sign, which is in every text; one of another script may be a word. */
const LETTER = /^[!-~]$/;
const SORTS = [
  ["index", "as run"],
  ["turns", "replies"],
  ["relief", "relief"],
  ["rating", "rating"],
  ["set_aside", "set-aside turns"],
] as const;

interface Props {
  choices: Choices;
  query: ListQuery;
  change: (changes: Record<string, string>, replace?: boolean) => void;
}

export function Filters({ choices, query, change }: Props) {
  return (
    <search className="filters">
      <SearchField value={query.q ?? ""} change={change} />
      {FILTERS.map((name) => (
        <Select
          key={name}
          label={capital(name)}
          value={String(query[name] ?? "")}
          counts={choices[name]}
          choose={(value) => change({ [name]: value })}
        />
      ))}
      <Sequence query={query} change={change} />
    </search>
  );
}

function SearchField({ value, change }: { value: string; change: Props["change"] }) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  const latest = useRef({ value, change });
  latest.current = { value, change };
  useEffect(
    () => setText((old) => (old.trim() === value || LETTER.test(old.trim()) ? old : value)),
    [value],
  );
  useEffect(() => {
    const { value: before } = latest.current;
    const wanted = LETTER.test(text.trim()) ? "" : text.trim();
    if (wanted === before) return;
    // The first letters make a step to come back to, those after them do not.
    const timer = setTimeout(() => latest.current.change({ q: wanted }, before !== ""), REST);
    return () => clearTimeout(timer);
  }, [text]);
  useSlash(field);
  return (
    <label className="filter search-field">
      <span>
        Search <kbd>/</kbd>
      </span>
      <input
        ref={field}
        type="search"
        value={text}
        placeholder={isFile ? "a name, problem or emotion" : "words in what was said and thought"}
        maxLength={200}
        onChange={(event) => setText(event.target.value)}
      />
    </label>
  );
}

/** `/` goes to the field, unless one is writing. */
function useSlash(field: React.RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const writing = (event.target as Element | null)?.closest("input, textarea, select");
      if (event.key !== "/" || writing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [field]);
}

interface SelectProps {
  label: string;
  value: string;
  counts: readonly Count[];
  choose: (value: string) => void;
}

function Select({ label, value, counts, choose }: SelectProps) {
  const unknown = value !== "" && !counts.some((item) => item.name === value);
  return (
    <label className="filter">
      <span>{label}</span>
      <select value={value} onChange={(event) => choose(event.target.value)}>
        <option value="">all</option>
        {unknown && <option value={value}>{plain(value)} (0)</option>}
        {counts.map((item) => (
          <option key={item.name} value={item.name}>
            {plain(item.name)} ({item.count})
          </option>
        ))}
      </select>
    </label>
  );
}

function Sequence({ query, change }: Omit<Props, "choices">) {
  const down = query.descending === true;
  return (
    <div className="filter">
      <label htmlFor="sort">Sort</label>
      <span className="row tight">
        <select
          id="sort"
          value={query.sort ?? "index"}
          onChange={(event) => change({ sort: event.target.value })}
        >
          {query.q && <option value="match">how well it fits</option>}
          {SORTS.map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
        <button
          type="button"
          aria-pressed={down}
          aria-label="Most first"
          title={down ? "The most first" : "The least first"}
          onClick={() => change({ descending: down ? "" : "1" })}
        >
          <span aria-hidden="true">{down ? "↓" : "↑"}</span>
        </button>
      </span>
    </div>
  );
}
