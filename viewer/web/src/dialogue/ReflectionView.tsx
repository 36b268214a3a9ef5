// What the reflector inferred beside what the seeker hides, agreement marked.
import { Text } from "../parts/Text";
import type { Persona, Reflection, TurnView } from "../records";
import { NONE, signed } from "../words";

interface Props {
  view: TurnView;
  reflection: Reflection;
  persona: Persona;
}

export function ReflectionView({ view, reflection, persona }: Props) {
  return (
    <section>
      <h3>Reflection</h3>
      <Text text={reflection.who} lang={persona.language} />
      {reflection.situation && <Text text={reflection.situation} lang={persona.language} className="quiet" />}
      <Compared view={view} reflection={reflection} persona={persona} />
      <div className="beside">
        <Sentences
          title="Needs, as inferred"
          sentences={reflection.needs}
          hiddenTitle="What helps, hidden"
          hidden={persona.what_helps}
          met={view.inference?.helps ?? []}
          words={["met by an inferred need", "not inferred"]}
        />
        <Sentences
          title="To avoid, as inferred"
          sentences={reflection.avoid}
          hiddenTitle="What hurts, hidden"
          hidden={persona.what_hurts}
          met={view.inference?.hurts ?? []}
          words={["among what to avoid", "not inferred"]}
        />
      </div>
    </section>
  );
}

function Compared({ view, reflection, persona }: Props) {
  const { seeker } = view.turn;
  const { inference } = view;
  const traits = Object.entries(reflection.personality).filter(([, level]) => level !== null);
  const card: Record<string, string> = { ...persona.big_five };
  const felt = seeker.emotion ?? (inference?.emotion == null ? null : persona.emotion);
  // A recording does not say it turn by turn; then the card's holds, as the difference tells.
  const strength = inference?.intensity == null ? seeker.intensity : reflection.intensity - inference.intensity;
  return (
    <div className="scrolls">
      <table className="compared">
        <thead>
          <tr>
            <td />
            <th scope="col">Inferred</th>
            <th scope="col">Hidden</th>
            <th scope="col">Agreement</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">Emotion</th>
            <td>{reflection.emotion}</td>
            <td>{felt ?? NONE}</td>
            <td>
              <Agreement agrees={inference?.emotion ?? null} />
            </td>
          </tr>
          <tr>
            <th scope="row">Intensity</th>
            <td>{reflection.intensity}</td>
            <td>{strength ?? NONE}</td>
            <td>
              <Off by={inference?.intensity ?? null} />
            </td>
          </tr>
          {traits.map(([trait, level]) => (
            <tr key={trait}>
              <th scope="row">{trait.charAt(0).toUpperCase() + trait.slice(1)}</th>
              <td>{level}</td>
              <td>{(inference && trait in inference.personality && card[trait]) || NONE}</td>
              <td>
                <Agreement agrees={inference?.personality[trait] ?? null} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Yes, no, or not known: a sign and a word. */
function Agreement({ agrees, words = ["agrees", "differs"] }: { agrees: boolean | null; words?: readonly string[] }) {
  if (agrees === null) return <span className="quiet">{NONE}</span>;
  return (
    <span className={agrees ? "agrees" : "differs"}>
      <span aria-hidden="true">{agrees ? "✓" : "✕"}</span> {agrees ? words[0] : words[1]}
    </span>
  );
}

function Off({ by }: { by: number | null }) {
  if (by === null || by === 0) return <Agreement agrees={by === null ? null : true} />;
  return (
    <span className="differs">
      <span aria-hidden="true">✕</span> {signed(by, 0)} {Math.abs(by) === 1 ? "point" : "points"}
    </span>
  );
}

interface SentencesProps {
  title: string;
  sentences: readonly string[];
  hiddenTitle: string;
  hidden: readonly string[];
  met: readonly boolean[];
  words: readonly [string, string];
}

function Sentences({ title, sentences, hiddenTitle, hidden, met, words }: SentencesProps) {
  const known = met.length === hidden.length ? hidden : []; // of recorded seekers nobody knows
  return (
    <div className="stack sentences">
      <h4>{title}</h4>
      <ul dir="auto">
        {sentences.length === 0 && <li className="quiet">nothing</li>}
        {sentences.map((sentence, place) => (
          <li key={place}>{sentence}</li>
        ))}
      </ul>
      {known.length > 0 && <h4>{hiddenTitle}</h4>}
      <ul dir="auto">
        {known.map((sentence, place) => (
          <li key={place}>
            {sentence}{" "}
            <span className="small">
              <Agreement agrees={met[place] ?? null} words={words} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
