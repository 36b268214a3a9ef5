// What a turn said aloud, and beneath it what changed between draft and refinement.
import { StrategyBadge } from "../parts/Badge";
import { Diff } from "../parts/Diff";
import { EffectLine } from "../parts/Hidden";
import { Text } from "../parts/Text";
import type { Reply, TurnView } from "../records";
import { Felt } from "./Felt";

/** The words that were spoken; null where the seeker had the last word. */
export function spokenReply({ turn }: TurnView): Reply | null {
  return turn.spoken ? turn[turn.spoken] : null;
}

export function TurnSaid({ view }: { view: TurnView }) {
  const { turn, diff } = view;
  const reply = spokenReply(view);
  return (
    <section className="panel stack said" aria-labelledby="said">
      <h2 id="said" className="hidden-visually">
        What was said
      </h2>
      <Line who="Seeker">
        <Text text={turn.seeker.text} className="said-text" />
      </Line>
      {reply ? (
        <Line who="Supporter" badge={reply.strategy && <StrategyBadge strategy={reply.strategy} />}>
          <Text text={reply.text} className="said-text" />
          <EffectLine effect={view.effect} />
        </Line>
      ) : (
        <p className="quiet">No reply was spoken in this turn.</p>
      )}
      {diff.length > 0 && (
        <details>
          <summary>Draft against refined</summary>
          <p className="said-text">
            <Diff words={diff} />
          </p>
        </details>
      )}
      <Felt view={view} />
    </section>
  );
}

interface LineProps {
  who: string;
  badge?: React.ReactNode;
  children: React.ReactNode;
}

function Line({ who, badge, children }: LineProps) {
  return (
    <div className="said-line">
      <h3>
        {who} {badge}
      </h3>
      {children}
    </div>
  );
}
