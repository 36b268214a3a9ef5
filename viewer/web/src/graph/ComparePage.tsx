// Two of a kind side by side: runs dialogue by dialogue, or dialogues turn by turn.
import { useState } from "react";
import { useSearch } from "wouter";
import { go, to } from "../address";
import { Page } from "../parts/Page";
import { Answer } from "../parts/State";
import { useRuns } from "../queries";
import type { Runs } from "../records";
import { CompareDialogues } from "./CompareDialogues";
import { CompareRuns } from "./CompareRuns";
import { Choice } from "./Field";
import "./common.css";
import "./compare.css";

export default function ComparePage() {
  const asked = new URLSearchParams(useSearch());
  const [a, b] = [asked.get("a") ?? "", asked.get("b") ?? ""];
  if (!a || !b) return <Choose />;
  if (a.includes("/") && b.includes("/")) return <CompareDialogues a={a} b={b} />;
  return <CompareRuns a={a} b={b} offset={Number(asked.get("offset") ?? 0) || 0} />;
}

/** Without an address that names two. */
function Choose() {
  const query = useRuns();
  return (
    <Page title="Compare two runs" crumbs={[]}>
      <Answer query={query} what="the runs">
        {(runs) => <ChooseRuns runs={runs} />}
      </Answer>
    </Page>
  );
}

function ChooseRuns({ runs }: { runs: Runs }) {
  const keys = new Map(runs.runs.map((run) => [`${run.name} (${run.key})`, run.key]));
  const names = [...keys.keys()];
  const [a, setA] = useState(names[0] ?? "");
  const [b, setB] = useState(names[1] ?? "");
  const [first, second] = [keys.get(a), keys.get(b)];
  return (
    <form
      className="panel row choose-two"
      onSubmit={(event) => {
        event.preventDefault();
        if (first && second) go(to.compareRuns(first, second));
      }}
    >
      <Choice label="Run A" value={a} options={names} onChange={setA} />
      <Choice label="Run B" value={b} options={names} onChange={setB} />
      <button type="submit" className="primary" disabled={!first || !second}>
        Compare
      </button>
    </form>
  );
}
