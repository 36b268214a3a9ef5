// A run in figures, and its dialogues.
import { Link, useParams } from "wouter";
import { to } from "../address";
import { Counts, type FigureItem } from "../parts/Figures";
import { LinePlot } from "../parts/LinePlot";
import { Page } from "../parts/Page";
import { Answer } from "../parts/State";
import { carries, useRun } from "../queries";
import type { RunPage as Run } from "../records";
import { decimal, plain, signed } from "../words";
import { DialogueTable } from "./DialogueTable";
import { Marks, RunFigures, RunProgress } from "./RunsPage";
import { Usage } from "./Usage";

export function RunPage() {
  const { run: key = "" } = useParams();
  const run = useRun(key);
  return (
    <Page
      title={run.data?.card.name ?? "Run"}
      crumbs={[]}
      aside={
        <nav aria-label="Of this run" className="row">
          <Link className="button" href={to.graph(key)}>
            Graph
          </Link>
          <Link className="button" href={to.strategies(key)}>
            Strategies
          </Link>
          {carries.replies(key) && (
            <Link className="button" href={to.replies(key)}>
              Replies
            </Link>
          )}
        </nav>
      }
    >
      <Answer query={run} what="the run">
        {(data) => <Content runKey={key} run={data} />}
      </Answer>
    </Page>
  );
}

function Content({ runKey, run }: { runKey: string; run: Run }) {
  return (
    <>
      <section aria-label="Summary" className="stack">
        <Marks run={run.card} />
        <RunProgress run={run.card} />
        <RunFigures run={run.card} more={outcome(run)} />
      </section>
      <div className="run-columns">
        <DialogueTable runKey={runKey} run={run} />
        <aside className="stack" aria-label="Figures of the run">
          <Panels run={run} />
        </aside>
      </div>
    </>
  );
}

const outcome = (run: Run): FigureItem[] => [
  {
    name: "Mean relief",
    value: signed(run.relief),
    title: "first minus last intensity, in points of 1 to 5; above 0 is relief",
  },
  { name: "Mean rating", value: decimal(run.rating), title: "by the seeker, 1 to 5" },
];

function Panels({ run }: { run: Run }) {
  const ended = run.card.done + run.card.failed;
  return (
    <>
      {run.intensity.length > 0 && (
        <section className="panel stack">
          <h2>Intensity over turns</h2>
          <LinePlot
            label="Mean intensity of the seeker's emotion, 1 to 5, by turn"
            values={run.intensity}
            places={2}
          />
          <p className="small quiet">Mean over the dialogues that got to the turn, 1 to 5.</p>
        </section>
      )}
      <CountPanel title="How they ended" counts={run.ended} of={ended} />
      <CountPanel title="Set aside, by role" counts={run.set_aside} of={run.card.turns} />
      <CountPanel title="Why dialogues failed" counts={run.errors} of={run.card.failed} />
      {run.usage.length > 0 && <Usage usage={run.usage} />}
    </>
  );
}

interface CountPanelProps {
  title: string;
  counts: Run["ended"];
  of: number;
}

function CountPanel({ title, counts, of }: CountPanelProps) {
  if (counts.length === 0) return null;
  return (
    <section className="panel stack">
      <h2>{title}</h2>
      <Counts counts={counts} of={of} word={plain} />
    </section>
  );
}
