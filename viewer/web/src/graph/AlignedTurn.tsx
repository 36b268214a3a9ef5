// A turn of both dialogues: words side by side, and beneath them what was thought.
import type { ReactNode } from "react";
import { Link } from "wouter";
import { to } from "../address";
import { StrategyBadge } from "../parts/Badge";
import { areAlike, Diff } from "../parts/Diff";
import { EffectLine, HiddenMark } from "../parts/Hidden";
import { Text } from "../parts/Text";
import { carries } from "../queries";
import type { Aligned, DialogueComparison, Side, TurnView, Word } from "../records";
import { feeling } from "../words";
import { Thoughts } from "./Thoughts";
import { spokenReply } from "./TurnSaid";

interface AlignedTurnProps {
  aligned: Aligned;
  page: DialogueComparison;
}

export function AlignedTurn({ aligned, page }: AlignedTurnProps) {
  const { number, a, b } = aligned;
  const marked = (words: readonly Word[]) => (areAlike(words) ? words : []);
  const [seeker, reply] = [marked(aligned.seeker), marked(aligned.reply)];
  const label = `turn-${number}`;
  return (
    <section className="panel stack aligned" aria-labelledby={label}>
      <h2 id={label}>Turn {number}</h2>
      {aligned.same && a ? (
        <Said view={a} />
      ) : (
        <>
          <div className="sides">
            <SideOf letter="A" side={page.a} view={a}>
              {a && <Said view={a} seeker={seeker} reply={reply} diff="removed" />}
            </SideOf>
            <SideOf letter="B" side={page.b} view={b}>
              {b && <Said view={b} seeker={seeker} reply={reply} diff="added" />}
            </SideOf>
          </div>
          <Thoughts a={a} b={b} />
        </>
      )}
    </section>
  );
}

interface SideOfProps {
  letter: string;
  side: Side;
  view: TurnView | null;
  children: ReactNode;
}

function SideOf({ letter, side, view, children }: SideOfProps) {
  return (
    <div className="side" role="group" aria-label={`Side ${letter}`}>
      <div className="row spread">
        <span className="side-letter">{letter}</span>
        {view && carries.turn(side.run, side.card.index, view.turn.number) && (
          <Link className="small" href={to.turn(side.run, side.card.index, view.turn.number)}>
            on its graph
          </Link>
        )}
      </div>
      {view ? children : <p className="quiet">It has no such turn.</p>}
    </div>
  );
}

interface SaidProps {
  view: TurnView;
  seeker?: readonly Word[];
  reply?: readonly Word[];
  diff?: "removed" | "added";
}

/** With words of a diff, those of one side; else the text as it is. Feeling and rating beneath. */
function Said({ view, seeker = [], reply = [], diff }: SaidProps) {
  const spoken = spokenReply(view);
  const felt = feeling(view.turn.seeker);
  return (
    <>
      <Words who="Seeker" text={view.turn.seeker.text} words={seeker} diff={diff} />
      {felt && (
        <p className="private">
          <HiddenMark /> {felt}
        </p>
      )}
      {spoken ? (
        <Words
          who="Supporter"
          text={spoken.text}
          words={reply}
          diff={diff}
          badge={spoken.strategy && <StrategyBadge strategy={spoken.strategy} />}
        />
      ) : (
        <p className="quiet">No reply.</p>
      )}
      <EffectLine effect={view.effect} />
    </>
  );
}

interface WordsProps {
  who: string;
  text: string;
  words: readonly Word[];
  diff?: "removed" | "added";
  badge?: ReactNode;
}

function Words({ who, text, words, diff, badge }: WordsProps) {
  return (
    <div className="said-line">
      <h3>
        {who} {badge}
      </h3>
      {diff && words.length > 0 ? (
        <p className="said-text">
          <Diff words={words} side={diff} />
        </p>
      ) : (
        <Text text={text} className="said-text" />
      )}
    </div>
  );
}
