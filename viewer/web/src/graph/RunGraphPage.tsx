// A whole run on its graph: how often each way was taken, and where its time went.
import { useMemo, useState } from "react";
import { Link, useParams } from "wouter";
import { to } from "../address";
import { Page } from "../parts/Page";
import { Answer } from "../parts/State";
import { useGraph, useRun } from "../queries";
import type { GraphPage } from "../records";
import { AgentGraph } from "./AgentGraph";
import { EdgeTable } from "./EdgeTable";
import { HotSpots } from "./HotSpots";
import { edgeMarks, nodeMarks } from "./runMarks";
import "./run.css";

export default function RunGraphPage() {
  const { run = "" } = useParams();
  const name = useRun(run).data?.card.name ?? run;
  const query = useGraph(run);
  const links = (
    <Link className="button" href={to.strategies(run)}>
      Strategies
    </Link>
  );
  return (
    <Page wide title="Graph" crumbs={[{ label: name, to: to.run(run) }]} aside={links}>
      <Answer query={query} what="the graph">
        {(page) => <RunOnGraph page={page} />}
      </Answer>
    </Page>
  );
}

function RunOnGraph({ page }: { page: GraphPage }) {
  const { graph } = page;
  const [chosen, choose] = useState<string>();
  const marks = useMemo(() => ({ node: nodeMarks(graph), edge: edgeMarks(graph) }), [graph]);
  return (
    <div className="run-grid">
      <figure className="run-graph">
        <AgentGraph
          graph={graph}
          label={`Graph ${graph.name} with counts of the whole run`}
          markNode={marks.node}
          markEdge={marks.edge}
          chosen={chosen}
          onChoose={choose}
        />
        <Legend />
      </figure>
      <div className="stack">
        <HotSpots page={page} chosen={chosen} onChoose={choose} />
        <EdgeTable edges={graph.edges} nodes={graph.nodes} />
      </div>
    </div>
  );
}

function Legend() {
  return (
    <figcaption className="legend">
      <span>
        Time spent in calls: little <span className="legend-shade" aria-hidden="true" /> most
      </span>
      <span>
        <svg width="46" height="12" aria-hidden="true">
          <path className="legend-line" d="M2 3H44" strokeWidth="1.2" />
          <path className="legend-line" d="M2 9H44" strokeWidth="4.5" />
        </svg>{" "}
        wider: taken by more turns
      </span>
      <span>
        <svg width="46" height="12" aria-hidden="true">
          <path className="legend-line is-dashed" d="M2 6H44" strokeWidth="1.5" />
        </svg>{" "}
        dashed: on a condition
      </span>
    </figcaption>
  );
}
