// One turn of the chat: what was said, and behind it what was thought.
import { memo, useState } from "react";
import { Link } from "wouter";
import { to } from "../address";
import { BranchSign } from "../parts/BranchSign";
import { Notice } from "../parts/State";
import { carries } from "../queries";
import type { Persona, TurnView } from "../records";
import { AnnotateForm } from "./AnnotateForm";
import { Annotations } from "./Annotations";
import { SeekerSays, SupporterSays } from "./Bubbles";
import { TurnInside } from "./TurnInside";

export interface ChatTurnProps {
  run: string;
  index: number;
  view: TurnView;
  persona: Persona;
  /** The line that stands here in the recording. */
  recorded: string | null;
  /** What was changed, where the branch begins with this turn. */
  forked: string | null;
  /** Whether it is the origin's. */
  copied: boolean;
  /** Whether the address names it. */
  named: boolean;
  /** Whether its details are to be open. */
  opened: boolean;
  /** Who annotates; null where nothing can be changed. */
  annotator: string | null;
  fork: (turn: TurnView) => void;
}

export const ChatTurn = memo(function ChatTurn(props: ChatTurnProps) {
  const { view, persona, forked, copied, named } = props;
  const { turn } = view;
  const [annotating, setAnnotating] = useState(false);
  const id = `turn-${turn.number}`;
  const close = () => {
    setAnnotating(false);
    document.getElementById(`annotate-${turn.number}`)?.focus(); // where it was opened
  };
  return (
    <li id={id} className={named ? "turn named" : "turn"} aria-labelledby={`${id}-head`}>
      {forked !== null && (
        <p className="fork-line">
          <span>
            <BranchSign /> Changed {forked}
          </span>
        </p>
      )}
      <TurnHead {...props} annotating={annotating} annotate={() => setAnnotating(!annotating)} />
      {copied && <p className="small quiet copied">as in the origin</p>}
      <SeekerSays turn={turn} lang={persona.language} />
      {turn.guard.crisis && <Crisis view={view} />}
      <SupporterSays view={view} lang={persona.language} recorded={props.recorded} />
      {turn.set_aside.map((aside, place) => (
        <Notice key={place} tone="warn">
          <strong>Set aside:</strong> the {aside.role} gave no usable answer. {aside.reason}
        </Notice>
      ))}
      <Inside {...props} />
      <Annotations annotations={view.annotations} />
      {annotating && props.annotator !== null && (
        <AnnotateForm
          run={props.run}
          index={props.index}
          view={view}
          who={props.annotator}
          close={close}
        />
      )}
    </li>
  );
});

interface HeadProps extends ChatTurnProps {
  annotating: boolean;
  annotate: () => void;
}

function TurnHead({ run, index, view, annotator, fork, annotating, annotate }: HeadProps) {
  const number = view.turn.number;
  return (
    <div className="turn-head row spread">
      <h2 id={`turn-${number}-head`}>
        <Link href={to.dialogue(run, index, number)}>Turn {number}</Link>
      </h2>
      <div className="row tight">
        {carries.turn(run, index, number) && (
          <Link className="button plain small" href={to.turn(run, index, number)}>
            Graph<span className="hidden-visually"> of turn {number}</span>
          </Link>
        )}
        {annotator !== null && (
          <>
            <button
              type="button"
              className="plain small"
              aria-disabled={view.can_fork !== ""}
              title={view.can_fork || "Change something here and go on from there"}
              onClick={() => view.can_fork === "" && fork(view)}
            >
              Fork<span className="hidden-visually"> turn {number}</span>
            </button>
            <button
              type="button"
              id={`annotate-${number}`}
              className="plain small"
              aria-expanded={annotating}
              onClick={annotate}
            >
              Annotate<span className="hidden-visually"> turn {number}</span>
            </button>
          </>
        )}
      </div>
    </div>
  );
}

function Crisis({ view }: { view: TurnView }) {
  const { kind, evidence, found_by } = view.turn.guard;
  return (
    <Notice tone="bad">
      <strong>Crisis{kind && `: ${kind}`}.</strong>
      {found_by && ` Found by ${found_by === "rules" ? "the rules" : "the model"}.`}
      {" "}
      {evidence && <q dir="auto">{evidence}</q>}
    </Notice>
  );
}

/** Drawn only when open: a long dialogue has a thousand of them. */
function Inside({ view, persona, opened, named, recorded }: ChatTurnProps) {
  const [open, setOpen] = useState(opened);
  const [asked, setAsked] = useState(opened);
  if (opened !== asked) {
    setAsked(opened);
    if (opened) setOpen(true);
  }
  const { plan, draft, reflection, refined, joint } = view.turn;
  const thought = plan || draft || reflection || refined || joint || view.judged.length > 0;
  if (!thought) return null;
  return (
    <details
      className="inside"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
      data-named={named}
    >
      <summary>{summary(view)}</summary>
      {open && <TurnInside view={view} persona={persona} recorded={recorded} />}
    </details>
  );
}

/** What a turn's details hold, in a few words. */
function summary({ turn }: TurnView): string {
  const parts = [
    turn.plan && "plan",
    turn.joint && "joint answer",
    turn.draft && "draft",
    turn.reflection && "reflection",
    turn.refined && "refinement",
  ].filter((part) => typeof part === "string");
  const text = parts.length ? parts.join(", ") : "verdicts";
  return text.charAt(0).toUpperCase() + text.slice(1);
}
