// Labelled fields: a line, lines, a choice.
import { useId } from "react";

interface FieldProps {
  label: string;
  value: string;
  onChange(value: string): void;
  hint?: string;
  off?: boolean;
}

export function Line({
  label,
  value,
  onChange,
  hint,
  off,
  numeric,
}: FieldProps & { numeric?: boolean }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        dir="auto"
        value={value}
        disabled={off}
        inputMode={numeric ? "numeric" : undefined}
        autoComplete="off"
        spellCheck={false}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      <Hint id={id} text={hint} />
    </div>
  );
}

interface LinesProps extends FieldProps {
  rows?: number;
  /** For prompt files: letters of one width. */
  letters?: boolean;
}

export function Lines({ label, value, onChange, hint, off, rows = 3, letters }: LinesProps) {
  const id = useId();
  return (
    <div className="field is-wide">
      <label htmlFor={id}>{label}</label>
      <textarea
        id={id}
        dir="auto"
        className={letters ? "mono" : undefined}
        rows={rows}
        value={value}
        disabled={off}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      <Hint id={id} text={hint} />
    </div>
  );
}

interface ChoiceProps extends FieldProps {
  options: readonly string[];
  /** What stands for no choice; without it, none is possible once one is made. */
  none?: string;
  /** What stands for all of the others, with the value `EVERY`. */
  every?: string;
}

/** No name of anything that can be chosen. */
export const EVERY = "*";

export function Choice({ label, value, onChange, hint, off, options, none, every }: ChoiceProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        disabled={off}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onChange={(event) => onChange(event.target.value)}
      >
        {(none !== undefined || !value) && <option value="">{none ?? "choose…"}</option>}
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
        {every && <option value={EVERY}>{every}</option>}
      </select>
      <Hint id={id} text={hint} />
    </div>
  );
}

function Hint({ id, text }: { id: string; text?: string }) {
  if (!text) return null;
  return (
    <p id={`${id}-hint`} className="quiet small">
      {text}
    </p>
  );
}
