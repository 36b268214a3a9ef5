// The dialog that forks a turn: fields start with what the turn has, and only what differs is sent.
import { useEffect, useRef, useState } from "react";
import type { FormEvent } from "react";
import { go, to } from "../address";
import { Answer, Notice, Trouble } from "../parts/State";
import { useForks, useSettings } from "../queries";
import type { Settings, TurnView } from "../records";
import { changesOf, differing, formOf, lacking, NO_CHANGE } from "./forkForm";
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
  const [held] = useState(settings.held); // what is being typed later stays
  const [form, set] = useState(start);
  const [asked, ask] = useState(false);
  const fork = useForks(run, dialogue, record.number);
  const changes = changesOf(form, start, record, settings);
  const missing = lacking(form, start);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask(true);
    if (missing.length > 0 || fork.isPending) return;
    fork.mutate(changes, {
      onSuccess: ([branch, ...others]) => {
        onClose();
        // Of several, their origin's page shows what became of each.
        const shown = branch && others.length === 0 ? branch.index : dialogue;
        go(to.dialogue(run, shown, record.number));
      },
    });
  };
  if (held) return <Refusal why="another process runs this run; wait for its end" onClose={onClose} />;
  return (
    <form onSubmit={submit} className="fork-form">
      <ForkParts form={form} start={start} set={set} settings={settings} turn={record} />
      <footer className="fork-foot">
        {asked && missing.length > 0 && <Notice tone="bad">{missing.join(" ")}</Notice>}
        {fork.isError && <Trouble error={fork.error} />}
        {fork.isError && fork.begun > 0 && (
          <Notice>
            {fork.begun} of {changes.length} branches have begun; forking again goes on with the others.
          </Notice>
        )}
        <p className="quiet small" role="status">
          {summary(differing(form, start), asked)}
        </p>
        <div className="row">
          <button type="submit" className="primary" aria-disabled={fork.isPending}>
            {fork.isPending ? "Forking…" : changes.length > 1 ? `Fork ${changes.length} branches` : "Fork"}
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

/** `said`: above it stands already what is lacking. */
function summary(parts: readonly string[], said: boolean): string {
  const names = [...new Set(parts.map((part) => WORDS[part] ?? part))];
  if (names.length === 0) return said ? "" : NO_CHANGE;
  return `Changed: ${names.join(", ")}.`;
}
