// Which replies are listed, and in which sequence.
import { useId } from "react";
import type { ReplyQuery } from "../queries";
import { STRATEGIES } from "../words";
import { SEQUENCES, sequenceOf } from "./listing";

/** What a reply may be marked with, in words. */
const FLAGS: readonly Choice[] = [
  ["annotated", "annotated: a person says something"],
  ["bad", "bad: a person says so or names an error"],
  ["faulty", "faulty: a judge found an error"],
  ["set aside", "set aside: no usable answer of a role"],
];

type Choice = readonly [value: string, words: string];

interface Props {
  query: ReplyQuery;
  change: (changes: Record<string, string>) => void;
}

export function Filters({ query, change }: Props) {
  return (
    <search className="filters reply-filters">
      <Select
        label="Strategy"
        value={query.strategy ?? ""}
        choices={[["", "all"], ...STRATEGIES.map((name): Choice => [name, name])]}
        choose={(strategy) => change({ strategy })}
      />
      <Select
        label="Marked"
        value={query.flag ?? ""}
        choices={[["", "all"], ...FLAGS]}
        choose={(flag) => change({ flag })}
      />
      <Select
        label="Sort"
        value={String(sequenceOf(query))}
        choices={SEQUENCES.map(({ words }, place): Choice => [String(place), words])}
        choose={(place) => {
          const { sort, descending } = SEQUENCES[Number(place)] ?? SEQUENCES[0];
          change({ sort, descending });
        }}
      />
    </search>
  );
}

interface SelectProps {
  label: string;
  value: string;
  choices: readonly Choice[];
  choose: (value: string) => void;
}

function Select({ label, value, choices, choose }: SelectProps) {
  const id = useId();
  const unknown = !choices.some(([known]) => known === value);
  return (
    <div className="filter">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => choose(event.target.value)}>
        {unknown && <option value={value}>{value}</option>}
        {choices.map(([known, words]) => (
          <option key={known} value={known}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
