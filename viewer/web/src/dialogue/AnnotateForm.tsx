// Says of a turn that it is good or bad, what is wrong with it, and why.
import { useEffect, useId, useRef, useState } from "react";
import { Trouble } from "../parts/State";
import { useAnnotate, useSettings } from "../queries";
import type { Annotation, PsychologicalError, TurnView } from "../records";

interface Props {
  run: string;
  index: number;
  view: TurnView;
  /** Under which name it is kept. */
  who: string;
  close: () => void;
}

const NOTHING: Annotation = { label: null, errors: [], note: "" };

/** A good turn names no error. */
const consistent = (said: Annotation): Annotation =>
  said.label === "good" ? { ...said, errors: [] } : said;

export function AnnotateForm({ run, index, view, who, close }: Props) {
  const before = view.annotations[who];
  const [said, setSaid] = useState<Annotation>(consistent(before ?? NOTHING));
  const save = useAnnotate(run, index, view.turn.number);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const keep = (annotation: Annotation) => save.mutate(annotation, { onSuccess: close });
  return (
    <form
      ref={form}
      className="panel stack annotate"
      aria-label={`Annotate turn ${view.turn.number}`}
      onSubmit={(event) => {
        event.preventDefault();
        keep(said);
      }}
      onKeyDown={(event) => event.key === "Escape" && close()}
    >
      <Label
        value={said.label}
        choose={(label) => setSaid(consistent({ ...said, label }))}
      />
      <Errors
        run={run}
        index={index}
        chosen={said.errors}
        good={said.label === "good"}
        choose={(errors) => setSaid({ ...said, errors })}
      />
      <label className="stack">
        <span>Note</span>
        <textarea
          rows={3}
          maxLength={4000}
          dir="auto"
          value={said.note}
          onChange={(event) => setSaid({ ...said, note: event.target.value })}
        />
      </label>
      {save.isError && <Trouble error={save.error} />}
      <div className="row">
        <button type="submit" className="primary" disabled={save.isPending || isEmpty(said)}>
          {save.isPending ? "Saving …" : "Save"}
        </button>
        <button type="button" onClick={close}>
          Cancel
        </button>
        {before && (
          <button type="button" disabled={save.isPending} onClick={() => keep(NOTHING)}>
            Remove
          </button>
        )}
        <span className="small quiet">Kept in the run as said by {who}.</span>
      </div>
    </form>
  );
}

const isEmpty = (said: Annotation) =>
  said.label === null && said.errors.length === 0 && said.note.trim() === "";

interface LabelProps {
  value: Annotation["label"];
  choose: (label: Annotation["label"]) => void;
}

function Label({ value, choose }: LabelProps) {
  const name = useId();
  const options = [
    ["good", "✓ Good"],
    ["bad", "✕ Bad"],
    [null, "Neither"],
  ] as const;
  return (
    <fieldset className="row">
      <legend>The turn is</legend>
      {options.map(([label, words]) => (
        <label key={words} className="row tight">
          <input type="radio" name={name} checked={value === label} onChange={() => choose(label)} />
          {words}
        </label>
      ))}
    </fieldset>
  );
}

interface ErrorsProps {
  run: string;
  index: number;
  chosen: readonly PsychologicalError[];
  /** Whether the turn is called good: then nothing is wrong with it. */
  good: boolean;
  choose: (errors: PsychologicalError[]) => void;
}

function Errors({ run, index, chosen, good, choose }: ErrorsProps) {
  const settings = useSettings(run, index);
  if (settings.isError) {
    return <Trouble error={settings.error} again={() => void settings.refetch()} />;
  }
  const known = Object.entries(settings.data?.error_types ?? {}) as [PsychologicalError, string][];
  return (
    <fieldset disabled={good}>
      <legend>What is wrong with the reply</legend>
      {good && <p className="small quiet">Nothing: a good turn names no error.</p>}
      <div className="error-choices">
        {known.map(([error, meaning]) => (
          <label key={error}>
            <input
              type="checkbox"
              checked={chosen.includes(error)}
              onChange={(event) =>
                choose(event.target.checked ? [...chosen, error] : chosen.filter((e) => e !== error))
              }
            />
            <span>
              {error}
              <span className="small quiet"> {meaning}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
