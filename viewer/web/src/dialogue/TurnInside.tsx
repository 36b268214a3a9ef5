// What was thought in a turn: plan, draft, reflection, refinement, verdicts.
import { StrategyBadge } from "../parts/Badge";
import { Diff } from "../parts/Diff";
import { Text } from "../parts/Text";
import type { Persona, Reply, TurnView } from "../records";
import { ReflectionView } from "./ReflectionView";
import { Verdicts } from "./Verdicts";
import "./inside.css";

interface Props {
  view: TurnView;
  persona: Persona;
  recorded: string | null;
}

export function TurnInside({ view, persona }: Props) {
  const { plan, draft, refined, reflection, joint } = view.turn;
  return (
    <div className="stack inside-parts">
      {plan && (
        <section>
          <h3>Plan</h3>
          <p className="row">
            {plan.stage && <span>{plan.stage}</span>}
            <StrategyBadge strategy={plan.strategy} />
          </p>
          {plan.reason && <Text text={plan.reason} lang={persona.language} />}
        </section>
      )}
      {joint && (
        <section>
          <h3>Joint answer</h3>
          <Text text={joint} lang={persona.language} />
        </section>
      )}
      <Replies view={view} draft={draft} refined={refined} lang={persona.language} />
      {reflection && <ReflectionView view={view} reflection={reflection} persona={persona} />}
      {view.judged.length > 0 && (
        <section>
          <h3>Verdicts</h3>
          <Verdicts verdicts={view.judged} />
        </section>
      )}
    </div>
  );
}

interface RepliesProps {
  view: TurnView;
  draft: Reply | null;
  refined: Reply | null;
  lang: string;
}

/** Draft and refinement side by side, with what changed marked. */
function Replies({ view, draft, refined, lang }: RepliesProps) {
  if (draft === null && refined === null) return null;
  const compared = draft !== null && refined !== null && view.diff.length > 0;
  const equal = compared && view.diff.every((word) => word.kind === "same");
  return (
    <section>
      <h3>{compared ? "Draft and refined" : draft ? "Draft" : "Refined"}</h3>
      {equal && <p className="small quiet">The refinement left the draft as it was.</p>}
      <div className={compared ? "beside" : undefined} lang={lang}>
        {draft && (
          <div className="reply-box">
            {compared && <h4>Draft</h4>}
            {compared ? <Diff words={view.diff} side="removed" /> : <Text text={draft.text} />}
          </div>
        )}
        {refined && (
          <div className="reply-box">
            {compared && <h4>Refined</h4>}
            {compared ? <Diff words={view.diff} side="added" /> : <Text text={refined.text} />}
          </div>
        )}
      </div>
    </section>
  );
}
