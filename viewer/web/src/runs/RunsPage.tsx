// All runs that are open for reading; two of them can be compared.
import { useState } from "react";
import { Link } from "wouter";
import { to } from "../address";
import { isFile } from "../api";
import { Badge } from "../parts/Badge";
import { Figures, Progress, type FigureItem } from "../parts/Figures";
import { Page } from "../parts/Page";
import { Answer, Empty, Notice } from "../parts/State";
import { useRuns } from "../queries";
import type { RunCard } from "../records";
import { brief, count, several } from "../words";
import "./runs.css";

export function RunsPage() {
  const runs = useRuns();
  return (
    <Page title="Runs">
      <Answer query={runs} what="runs">
        {(data) =>
          data.runs.length === 0 ? (
            <Empty>
              No run is open. Give one to the program: <code>attune view runs/001</code>
            </Empty>
          ) : (
            <RunList runs={data.runs} />
          )
        }
      </Answer>
    </Page>
  );
}

function RunList({ runs }: { runs: readonly RunCard[] }) {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const readable = isFile ? [] : runs.filter((run) => !run.trouble);
  const toggle = (key: string) =>
    setChosen((old) => (old.includes(key) ? old.filter((k) => k !== key) : [...old, key].slice(-2)));
  return (
    <>
      {readable.length > 1 && <Choice runs={readable} chosen={chosen} />}
      <ul className="stack">
        {runs.map((run) => (
          <li key={run.key} className="panel stack run-card">
            {run.trouble ? (
              <Unreadable run={run} />
            ) : (
              <Card
                run={run}
                chosen={readable.length > 1 ? chosen.includes(run.key) : null}
                toggle={() => toggle(run.key)}
              />
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Choice({ runs, chosen }: { runs: readonly RunCard[]; chosen: readonly string[] }) {
  const [a, b] = chosen;
  const names = chosen.map((key) => runs.find((run) => run.key === key)?.name ?? key);
  if (a === undefined || b === undefined) {
    return <p className="quiet">Choose two runs to compare them dialogue by dialogue.</p>;
  }
  return (
    <p className="row">
      <Link className="button primary" href={to.compareRuns(a, b)}>
        Compare {names.join(" with ")}
      </Link>
    </p>
  );
}

function Unreadable({ run }: { run: RunCard }) {
  return (
    <>
      <h2 dir="auto">{run.name}</h2>
      <p className="mono quiet">{run.folder}</p>
      <Notice tone="bad">{run.trouble}</Notice>
    </>
  );
}

interface CardProps {
  run: RunCard;
  /** null where there is nothing to choose from. */
  chosen: boolean | null;
  toggle: () => void;
}

function Card({ run, chosen, toggle }: CardProps) {
  return (
    <>
      <div className="row spread">
        <div>
          <h2>
            <Link href={to.run(run.key)}>{run.name}</Link>
          </h2>
          <p className="mono quiet">{run.folder}</p>
        </div>
        {chosen !== null && (
          <label className="row">
            <input type="checkbox" checked={chosen} onChange={toggle} /> Compare
            <span className="hidden-visually">{run.name}</span>
          </label>
        )}
      </div>
      <Marks run={run} />
      <RunProgress run={run} />
      <RunFigures run={run} />
    </>
  );
}

export function Marks({ run }: { run: RunCard }) {
  return (
    <div className="row">
      <Badge tone="accent">{run.graph}</Badge>
      {run.plain_draft && <Badge title="without planner, the published recipe">plain draft</Badge>}
      {run.replayed && <Badge title="answers recorded dialogues">replay</Badge>}
      {run.models.map((model) => (
        <Badge key={model}>{model}</Badge>
      ))}
      {run.writing && <Badge tone="good">● being written</Badge>}
    </div>
  );
}

/** How far a run is, as long as dialogues are open or not yet read. */
export function RunProgress({ run }: { run: RunCard }) {
  const ended = run.done + run.failed;
  return (
    <>
      {run.open > 0 && (
        <div className="run-progress">
          <Progress share={run.dialogues ? ended / run.dialogues : 0} label="Dialogues that ended" />
          <span className="small">
            {count(ended)} of {several(run.dialogues, "dialogue")} ended
            {run.failed > 0 && `, ${count(run.failed)} failed`}
          </span>
        </div>
      )}
      {run.read < 1 && (
        <div className="run-progress">
          <Progress share={run.read} label="Turns read" />
          <span className="small">Reading: lists and search do not know all turns yet</span>
        </div>
      )}
    </>
  );
}

interface FiguresProps {
  run: RunCard;
  more?: readonly FigureItem[];
}

export function RunFigures({ run, more = [] }: FiguresProps) {
  return (
    <Figures
      items={[
        { name: "Dialogues", value: count(run.dialogues), title: "branches left out" },
        { name: "Done", value: count(run.done) },
        { name: "Failed", value: count(run.failed), tone: run.failed ? "bad" : undefined },
        { name: "Open", value: count(run.open) },
        { name: "Replies", value: brief(run.turns) },
        {
          name: "Set aside",
          value: count(run.set_aside),
          title: "turns in which a role gave no usable answer",
          tone: run.set_aside ? "warn" : undefined,
        },
        { name: "Crises", value: count(run.crises), tone: run.crises ? "bad" : undefined },
        { name: "Branches", value: count(run.branches) },
        { name: "Annotated", value: count(run.annotated), title: "turns" },
        ...more,
      ]}
    />
  );
}
