// The strategies of a run: the network of what follows what, and the same as a matrix.
import { useCallback, useId, useState } from "react";
import { Link, useParams } from "wouter";
import { to } from "../address";
import { Page } from "../parts/Page";
import { Answer, Empty } from "../parts/State";
import { useRun, useStrategies } from "../queries";
import type { StrategyPage } from "../records";
import { decimal, several, signed } from "../words";
import { StrategyMatrix } from "./StrategyMatrix";
import { isSame, StrategyNetwork } from "./StrategyNetwork";
import type { Focus } from "./StrategyParts";
import "./run.css";
import "./strategies.css";

/** So many edges are drawn at first, if so many came. */
const AT_FIRST = 18;

export default function StrategiesPage() {
  const { run = "" } = useParams();
  const name = useRun(run).data?.card.name ?? run;
  const query = useStrategies(run);
  const links = (
    <Link className="button" href={to.graph(run)}>
      Graph
    </Link>
  );
  return (
    <Page wide title="Strategies" crumbs={[{ label: name, to: to.run(run) }]} aside={links}>
      <Answer query={query} what="the strategies">
        {(page) =>
          page.edges.length + page.nodes.reduce((sum, node) => sum + node.times, 0) > 0 ? (
            <Network page={page} />
          ) : (
            <Empty>No reply of this run names a strategy.</Empty>
          )
        }
      </Answer>
    </Page>
  );
}

function Network({ page }: { page: StrategyPage }) {
  const most = Math.max(1, ...page.edges.map((edge) => edge.times));
  const [least, setLeast] = useState(() => atFirst(page));
  const [chosen, set] = useState<Focus | null>(null);
  const [hovered, hover] = useState<Focus | null>(null);
  const choose = useCallback(
    (focus: Focus) => set((before) => (isSame(before, focus) ? null : focus)),
    [],
  );
  const drawn = page.edges.filter((edge) => edge.times >= least).length;
  return (
    <div className="run-grid">
      <div className="run-graph">
        <Threshold value={least} most={most} onChange={setLeast}>
          {drawn} of {page.edges.length} drawn
        </Threshold>
        <StrategyNetwork
          page={page}
          least={least}
          chosen={chosen}
          onHover={hover}
          onChoose={choose}
        />
        <p className="quiet small">
          A disc's size is how often the strategy was used; a line's width, how often the one came
          after the other. Choose a disc to see what comes after it.
        </p>
      </div>
      <div className="stack">
        <Detail focus={hovered ?? chosen} page={page} />
        <StrategyMatrix page={page} chosen={hovered ?? chosen} />
      </div>
    </div>
  );
}

function atFirst(page: StrategyPage): number {
  const times = page.edges.map((edge) => edge.times).sort((a, b) => b - a);
  return times[AT_FIRST - 1] ?? 1;
}

interface ThresholdProps {
  value: number;
  most: number;
  onChange(value: number): void;
  children: React.ReactNode;
}

function Threshold({ value, most, onChange, children }: ThresholdProps) {
  const id = useId();
  return (
    <div className="row">
      <label htmlFor={id}>Drawn if at least</label>
      <input
        id={id}
        type="range"
        min={1}
        max={most}
        value={value}
        aria-valuetext={several(value, "time")}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <output htmlFor={id}>{several(value, "time")}</output>
      <span className="quiet small">{children}</span>
    </div>
  );
}

/** The figures of what is pointed at or chosen, else of all. */
function Detail({ focus, page }: { focus: Focus | null; page: StrategyPage }) {
  if (!focus) {
    const without = page.without_strategy ? `, ${page.without_strategy} of them without one` : "";
    return (
      <section className="panel stack detail" aria-live="polite">
        <h2>All strategies</h2>
        <p>
          {several(page.replies, "reply", "replies")}
          {without}. Point at a disc or a line, or go there with Tab.
        </p>
      </section>
    );
  }
  const title = "strategy" in focus ? focus.strategy : `${focus.source} → ${focus.target}`;
  return (
    <section className="panel stack detail" aria-live="polite">
      <h2>{title}</h2>
      <dl className="named-figures">
        <Fact name="Times" value={String(focus.times)} />
        <Fact name="Mean relief, points of 5" value={signed(focus.mean_relief)} />
        <Fact name="Mean rating of 5" value={decimal(focus.mean_rating)} />
      </dl>
    </section>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
