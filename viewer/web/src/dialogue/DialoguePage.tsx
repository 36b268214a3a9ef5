// A dialogue with all that was said and thought.
import { useState } from "react";
import { Link, useParams } from "wouter";
import { to } from "../address";
import { FlagBadge, StatusBadge } from "../parts/Badge";
import { Page } from "../parts/Page";
import { Answer, Notice, Trouble } from "../parts/State";
import { useDialogue, useRun, useTurn } from "../queries";
import ForkDialog from "../graph/ForkDialog";
import type { DialoguePage as Dialogue, TurnView } from "../records";
import { ending, several } from "../words";
import { Branches, Origin } from "./Branches";
import { Chat } from "./Chat";
import { PersonaCard } from "./PersonaCard";
import { Timeline } from "./Timeline";
import { Verdicts } from "./Verdicts";
import "./dialogue.css";

export default function DialoguePage() {
  const { run = "", dialogue = "" } = useParams();
  const index = Number(dialogue);
  const page = useDialogue(run, index);
  const runName = useRun(run).data?.card.name ?? "Run";
  return (
    <Page
      title={page.data ? `Dialogue ${index}: ${page.data.card.name}` : `Dialogue ${dialogue}`}
      crumbs={[{ label: runName, to: to.run(run) }]}
      aside={page.data && <HeadMarks page={page.data} />}
    >
      {Number.isInteger(index) ? (
        <Answer query={page} what="the dialogue">
          {(data) => <Content run={run} page={data} />}
        </Answer>
      ) : (
        <Trouble error={new Error(`There is no dialogue ${dialogue}.`)} />
      )}
    </Page>
  );
}

function HeadMarks({ page }: { page: Dialogue }) {
  const flags = page.card.flags.filter((flag) => flag !== "branch" && flag !== "failed");
  return (
    <>
      <StatusBadge status={page.card.status} />
      {page.card.stop_reason && <span className="quiet">{ending(page.card)}</span>}
      <span className="quiet">{several(page.card.turns, "reply", "replies")}</span>
      {flags.map((flag) => (
        <FlagBadge key={flag} flag={flag} />
      ))}
    </>
  );
}

function Content({ run, page }: { run: string; page: Dialogue }) {
  const [forked, setForked] = useState<TurnView | null>(null);
  const index = page.card.index;
  return (
    <>
      {page.fork && <Origin run={run} page={page} />}
      {page.error && <Failed run={run} page={page} />}
      {page.problem && <Notice tone="warn">The branch stopped: {page.problem}</Notice>}
      <ToAbout branches={page.branches.length > 0} />
      <div className="dialogue-columns">
        <Chat run={run} page={page} fork={setForked} />
        <Aside run={run} page={page} />
      </div>
      {page.card.status === "open" && (
        <p className="quiet" role="status">
          This dialogue is still open; its next turns appear by themselves.
        </p>
      )}
      {forked && (
        <ForkDialog run={run} dialogue={index} turn={forked} onClose={() => setForked(null)} />
      )}
    </>
  );
}

/** The turn that failed is none of the chat's; its graph shows it if a model had been asked. */
function Failed({ run, page }: { run: string; page: Dialogue }) {
  const number = page.turns.length + 1;
  const begun = useTurn(run, page.card.index, number);
  const see = begun.data && (
    <Link className="button" href={to.turn(run, page.card.index, number)}>
      See turn {number} on its graph
    </Link>
  );
  return (
    <Notice tone="bad" action={see}>
      <strong>This dialogue failed</strong> in turn {number}: {page.error}
    </Notice>
  );
}

/** Where there is no room beside the turns, what stands there follows them. */
function ToAbout({ branches }: { branches: boolean }) {
  return (
    <p className="to-about">
      <a
        href="#about"
        onClick={(event) => {
          event.preventDefault(); // the address' hash is the page's name
          const about = document.getElementById("about");
          about?.scrollIntoView();
          about?.focus({ preventScroll: true });
        }}
      >
        ↓ Plot{branches && ", branches"} and persona
      </a>
    </p>
  );
}

function Aside({ run, page }: { run: string; page: Dialogue }) {
  return (
    <aside id="about" tabIndex={-1} className="stack dialogue-aside" aria-label="About this dialogue">
      <Timeline run={run} index={page.card.index} turns={page.turns} />
      {page.branches.length > 0 && <Branches run={run} page={page} />}
      <PersonaCard persona={page.persona} name={page.card.name} />
      {page.verdicts.length > 0 && (
        <section className="panel stack">
          <h2>Verdicts of the dialogue</h2>
          <Verdicts verdicts={page.verdicts} />
        </section>
      )}
      <p className="small quiet">
        <Link href={to.run(run)}>All dialogues of the run</Link>
      </p>
    </aside>
  );
}
