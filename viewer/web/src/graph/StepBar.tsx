// Buttons that step by node and by turn, with their keys; says aloud where one is.
import type { Stepping } from "./stepping";

interface StepBarProps {
  steps: Stepping;
  number: number;
  last: number;
}

export function StepBar({ steps, number, last }: StepBarProps) {
  const { step, place, reached } = steps;
  const where = place < 0 ? "not reached" : `step ${place + 1} of ${reached.length}`;
  return (
    <div className="step-bar" role="group" aria-label="Stepping">
      <div className="row">
        <Button act={steps.back} keys="ArrowLeft k" hint="← or k" label="Previous node">
          ‹
        </Button>
        <span className="step-where">
          <strong>{step.node}</strong> <span className="quiet">{where}</span>
        </span>
        <Button act={steps.forth} keys="ArrowRight j" hint="→ or j" label="Next node">
          ›
        </Button>
      </div>
      <div className="row">
        <Button
          act={steps.turnBack}
          keys="Shift+ArrowLeft ["
          hint="Shift ← or ["
          label="Previous turn"
        >
          «
        </Button>
        <span className="step-where quiet">
          turn {number} of {last}
        </span>
        <Button
          act={steps.turnForth}
          keys="Shift+ArrowRight ]"
          hint="Shift → or ]"
          label="Next turn"
        >
          »
        </Button>
      </div>
      <p className="hidden-visually" role="status">
        {`Turn ${number}: ${step.node}, ${where}, ${step.status}`}
      </p>
    </div>
  );
}

interface ButtonProps {
  act: (() => void) | null;
  keys: string;
  hint: string;
  label: string;
  children: string;
}

function Button({ act, keys, hint, label, children }: ButtonProps) {
  // Not `disabled`: that would throw the focus away at the last step.
  return (
    <button
      type="button"
      className="step-button"
      aria-disabled={act === null}
      aria-label={label}
      aria-keyshortcuts={keys}
      title={`${label} (${hint})`}
      onClick={() => act?.()}
    >
      {children}
    </button>
  );
}
