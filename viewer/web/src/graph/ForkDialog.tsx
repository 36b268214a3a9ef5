// The dialog that forks a turn: fields start with what the turn has, and only what differs is sent.
import { useEffect, useRef, useState } from "react";
import type { FormEvent } from "react";
import { go, to } from "../address";
import { Answer, Notice, Trouble } from "../parts/State";
import { useFork, useSettings } from "../queries";
import type { Settings, TurnView } from "../records";
import { changeOf, differing, formOf, lacking } from "./forkForm";
import { ForkParts } from "./ForkParts";
import "./fork.css";

export interface ForkDialogProps {
  run: string;
  dialogue: number;
  turn: TurnView;
  onClose(): void;
}

export default function ForkDialog(props: ForkDialogProps) {
  const { run, dialogue, turn, onClose } = props;
  const settings = useSettings(run, dialogue);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  // Not `onClose` itself: closing gives the focus back, taking the dialog away does not.
  const close = () => dialog.current?.close();
  return (
    <dialog ref={dialog} className="fork" aria-labelledby="fork-title" onClose={onClose}>
      <header className="fork-head">
        <h2 id="fork-title">Fork turn {turn.turn.number}</h2>
        <p className="quiet">
          A branch goes on from here with what you change; the dialogue itself stays as it is.
        </p>
      </header>
      {turn.can_fork ? (
        <Refusal why={turn.can_fork} onClose={close} />
      ) : (
        <Answer query={settings} what="what can be changed">
          {(found) => <ForkForm {...props} onClose={close} settings={found} />}
        </Answer>
      )}
    </dialog>
  );
}

function Refusal({ why, onClose }: { why: string; onClose(): void }) {
  return (
    <div className="fork-body stack">
      <Notice tone="warn">This turn cannot be forked: {why}.</Notice>
      <button type="button" onClick={onClose}>
        Close
      </button>
    </div>
  );
}

function ForkForm({
  run,
  dialogue,
  turn,
  onClose,
  settings,
}: ForkDialogProps & { settings: Settings }) {
  const { turn: record } = turn;
  const [start] = useState(() => formOf(record, settings));
  const [form, set] = useState(start);
  const [asked, ask] = useState(false);
  const fork = useFork(run, dialogue, record.number);
  const missing = lacking(form, start);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask(true);
    if (missing.length > 0 || fork.isPending) return;
    fork.mutate(changeOf(form, start, record, settings.roles.includes("refiner")), {
      onSuccess: (branch) => {
        onClose();
        go(to.dialogue(run, branch.index, record.number));
      },
    });
  };
  return (
    <form onSubmit={submit} className="fork-form">
      <ForkParts form={form} start={start} set={set} settings={settings} turn={record} />
      <footer className="fork-foot">
        {asked && missing.length > 0 && <Notice tone="bad">{missing.join(" ")}</Notice>}
        {fork.isError && <Trouble error={fork.error} />}
        <p className="quiet small" role="status">
          {summary(differing(form, start))}
        </p>
        <div className="row">
          <button type="submit" className="primary" aria-disabled={fork.isPending}>
            {fork.isPending ? "Forking…" : "Fork"}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </footer>
    </form>
  );
}

const WORDS: Record<string, string> = { model: "models", prompts: "prompts" };

function summary(parts: readonly string[]): string {
  const names = [...new Set(parts.map((part) => WORDS[part] ?? part))];
  return names.length ? `Changed: ${names.join(", ")}.` : "Nothing is changed yet.";
}
