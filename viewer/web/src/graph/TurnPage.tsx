// One turn on its graph: the path it took, and node by node what was asked, answered and kept.
import { useMemo, useState } from "react";
import { Link, useParams, useSearch } from "wouter";
import { to } from "../address";
import { Page } from "../parts/Page";
import { Answer, Notice } from "../parts/State";
import { useRun, useRuns, useTurn } from "../queries";
import type { TurnPage as TurnRecord } from "../records";
import { AgentGraph } from "./AgentGraph";
import { CallCard } from "./CallCard";
import ForkDialog from "./ForkDialog";
import { StepBar } from "./StepBar";
import { StepPanel } from "./StepPanel";
import { StepTable } from "./StepTable";
import { stepping, useStepKeys } from "./stepping";
import type { Place } from "./stepping";
import { edgeMarks, nodeMarks } from "./turnMarks";
import { TurnSaid } from "./TurnSaid";
import "./turn.css";

export default function TurnPage() {
  const { run = "", dialogue = "", turn = "" } = useParams();
  const node = new URLSearchParams(useSearch()).get("node");
  const place = { run, dialogue: Number(dialogue), turn: Number(turn), node };
  const query = useTurn(run, place.dialogue, place.turn);
  const name = useRun(run).data?.card.name ?? run;
  const crumbs = [
    { label: name, to: to.run(run) },
    { label: `Dialogue ${dialogue}`, to: to.dialogue(run, place.dialogue, place.turn) },
  ];
  // Of which turn: another one, e.g. after going back, has no dialog open.
  const here = `${dialogue}/${turn}`;
  const [forked, fork] = useState<string | null>(null);
  const forking = forked === here;
  const page = query.isPlaceholderData ? undefined : query.data;
  return (
    <Page
      wide
      title={`Turn ${turn}`}
      crumbs={crumbs}
      aside={page && <Actions page={page} place={place} onFork={() => fork(here)} />}
    >
      <Answer query={query} what="the turn">
        {(found) => <OnItsGraph page={found} place={place} still={forking} />}
      </Answer>
      {forking && page && (
        <ForkDialog
          run={run}
          dialogue={place.dialogue}
          turn={page.view}
          onClose={() => fork(null)}
        />
      )}
    </Page>
  );
}

interface ActionsProps {
  page: TurnRecord;
  place: Place;
  onFork(): void;
}

function Actions({ page, place, onFork }: ActionsProps) {
  const can = useRuns().data?.can_change ?? false;
  const why = page.view.can_fork;
  return (
    <>
      <Link className="button" href={to.dialogue(place.run, place.dialogue, place.turn)}>
        In the dialogue
      </Link>
      {can && (
        <button
          type="button"
          className="primary"
          disabled={why !== ""}
          title={why}
          onClick={onFork}
        >
          Fork from here
        </button>
      )}
      {can && why && <span className="quiet small">{why}</span>}
    </>
  );
}

/** `still`: keys belong to somebody else. */
function OnItsGraph({ page, place, still }: { page: TurnRecord; place: Place; still: boolean }) {
  const steps = stepping(page, place);
  useStepKeys(steps, still);
  const marks = useMemo(() => ({ node: nodeMarks(page), edge: edgeMarks(page) }), [page]);
  if (!steps) return <Notice>This graph has no nodes.</Notice>;
  const { number } = page.view.turn;
  return (
    <div className="turn-grid" aria-busy={number !== place.turn}>
      <div className="turn-graph">
        <StepBar steps={steps} number={number} last={page.last} />
        <AgentGraph
          graph={page.graph}
          label={`Graph ${page.graph.name} with the path of turn ${number}`}
          markNode={marks.node}
          markEdge={marks.edge}
          chosen={steps.step.node}
          onChoose={steps.choose}
        />
        <StepTable steps={page.steps} chosen={steps.step.node} onChoose={steps.choose} />
      </div>
      <div className="stack">
        <TurnSaid view={page.view} />
        <StepPanel step={steps.step} />
        <Judges page={page} />
      </div>
    </div>
  );
}

function Judges({ page }: { page: TurnRecord }) {
  if (page.judges.length === 0) return null;
  return (
    <section className="panel stack" aria-labelledby="judges">
      <h2 id="judges">What judges were asked about this turn</h2>
      {page.judges.map((call, i) => (
        <CallCard key={i} call={call} title={call.about || call.model} again />
      ))}
    </section>
  );
}
