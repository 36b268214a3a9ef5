// What each side says in a turn, with what stays private or was recorded.
import { Badge, StrategyBadge } from "../parts/Badge";
import { EffectLine, HiddenMark } from "../parts/Hidden";
import { Text } from "../parts/Text";
import type { Turn, TurnView } from "../records";
import { feeling, plain } from "../words";

export function SeekerSays({ turn, lang }: { turn: Turn; lang: string }) {
  return (
    <div className="says seeker">
      <p className="who">Seeker{turn.seeker.wants_to_stop && " · ends the dialogue"}</p>
      <div className="bubble">
        <Text text={turn.seeker.text} lang={lang} />
      </div>
      <Private turn={turn} />
    </div>
  );
}

/** The rating stands under the reply that got it. */
function Private({ turn }: { turn: Turn }) {
  const { disclosed } = turn.seeker;
  const told = disclosed.length > 0 ? `disclosed: ${disclosed.join("; ")}` : "";
  const parts = [feeling(turn.seeker), told].filter(Boolean);
  if (parts.length === 0) return null;
  return (
    <p className="private" dir="auto">
      <HiddenMark /> {parts.join(" · ")}
    </p>
  );
}

interface Props {
  view: TurnView;
  lang: string;
  /** The line that stands here in the recording. */
  recorded: string | null;
}

export function SupporterSays({ view, lang, recorded }: Props) {
  const { turn } = view;
  const reply = turn.spoken === null ? null : turn[turn.spoken];
  const strategy = reply?.strategy ?? turn.plan?.strategy;
  const human = turn.recorded?.text ?? recorded;
  return (
    <>
      {reply && (
        <div className="says supporter">
          <p className="who row tight">
            <span>Supporter{turn.spoken && ` · ${plain(turn.spoken)}`}</span>
            {strategy && <StrategyBadge strategy={strategy} />}
            <Faults view={view} />
          </p>
          <div className="bubble">
            <Text text={reply.text} lang={lang} />
          </div>
          <EffectLine effect={view.effect} />
        </div>
      )}
      {human && (
        <div className="says supporter recorded">
          <p className="who row tight">
            <span>Recorded reply, by a person</span>
            {turn.recorded?.strategy && <StrategyBadge strategy={turn.recorded.strategy} />}
          </p>
          <div className="bubble">
            <Text text={human} lang={lang} />
          </div>
        </div>
      )}
    </>
  );
}

/** Errors that judges found in a reply of this turn. */
function Faults({ view }: { view: TurnView }) {
  const found = view.judged.filter((verdict) => verdict.value === 1 && isError(verdict.name));
  return (
    <>
      {found.map((verdict, place) => (
        <Badge key={place} tone="warn" title={verdict.reason || "found by a judge"}>
          ! {verdict.label ?? "error"}
          {verdict.about && ` (${verdict.about})`}
        </Badge>
      ))}
    </>
  );
}

const isError = (name: string) => name.includes("error");
