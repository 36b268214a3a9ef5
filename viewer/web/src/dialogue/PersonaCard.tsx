// The seeker's card; what the supporter never sees and what was drawn are marked.
import { Fragment, type ReactNode } from "react";
import { Badge } from "../parts/Badge";
import type { Persona } from "../records";
import { plain } from "../words";

export function PersonaCard({ persona, name }: { persona: Persona; name: string }) {
  const narrow = matchMedia("(max-width: 1020px)").matches;
  return (
    <details className="panel persona" open={!narrow}>
      <summary>
        <h2>Persona</h2>
      </summary>
      <div className="stack">
        <p className="row tight">
          <strong dir="auto">{name}</strong>
          <span className="mono quiet">{persona.id}</span>
        </p>
        <p className="small quiet">
          The supporter sees nothing of this card, only what the seeker says.
        </p>
        <Facts persona={persona} facts={trouble(persona)} />
        <Part title="What helps" field="what_helps" persona={persona} text={persona.what_helps} hidden />
        <Part title="What hurts" field="what_hurts" persona={persona} text={persona.what_hurts} hidden />
        <Part title="Situation" field="situation" persona={persona} text={[persona.situation]} />
        <Part title="Background" field="background" persona={persona} text={persona.background} />
        <Facts persona={persona} facts={circumstances(persona)} />
        {persona.risk === "at-risk" && (
          <Part title="Risk" field="risk_detail" persona={persona} text={[persona.risk_detail]} hidden />
        )}
        <Part title="Voice" field="voice" persona={persona} text={[persona.voice]} />
        <Part title="Profile" field="profile" persona={persona} text={[persona.profile]} />
        <Traits persona={persona} />
        {(persona.source || persona.licence) && (
          <p className="small quiet" dir="auto">
            {persona.source} {persona.licence && `Licence: ${persona.licence}`}
          </p>
        )}
      </div>
    </details>
  );
}

/** A field that nobody said: drawn by a seed, or neutral. */
function Drawn({ persona, field }: { persona: Persona; field: string }) {
  if (!persona.drawn.includes(field)) return null;
  return (
    <Badge title="nobody said this: drawn by a seed, or neutral">
      drawn
    </Badge>
  );
}

/** Label, field of the card, value. */
type Fact = readonly [string, string, ReactNode];

/** What one reads a dialogue with in mind. */
const trouble = ({ emotion, intensity, problem }: Persona): Fact[] => [
  ["Emotion", "emotion", emotion],
  ["Intensity", "intensity", `${intensity} of 5`],
  ["Problem", "problem", problem],
];

function circumstances(persona: Persona): Fact[] {
  const { age, gender, occupation, education, culture, living } = persona.demographics;
  return [
    ["Age", "age", age],
    ["Gender", "gender", gender],
    ["Occupation", "occupation", occupation],
    ["Education", "education", education],
    ["Culture", "culture", culture],
    ["Living", "living", living],
    ["Opens up", "opens_up", persona.opens_up],
    ["Manner", "manner", persona.manner],
    ["Language", "language", persona.language],
    ["Risk", "risk", persona.risk === "none" ? null : plain(persona.risk)],
  ];
}

function Facts({ persona, facts }: { persona: Persona; facts: readonly Fact[] }) {
  return (
    <dl className="persona-facts">
      {facts
        .filter(([, , value]) => value !== null && value !== "")
        .map(([label, field, value]) => (
          <Fragment key={field}>
            <dt>{label}</dt>
            <dd dir="auto">
              {value} <Drawn persona={persona} field={field} />
            </dd>
          </Fragment>
        ))}
    </dl>
  );
}

interface PartProps {
  title: string;
  field: string;
  persona: Persona;
  text: readonly string[];
  hidden?: boolean;
}

function Part({ title, field, persona, text, hidden = false }: PartProps) {
  const sentences = text.filter((sentence) => sentence !== "");
  if (sentences.length === 0) return null;
  return (
    <section className={hidden ? "part hidden-part" : "part"}>
      <h3 className="row tight">
        {title}
        {hidden && <span className="private-mark">Hidden from the supporter</span>}
        <Drawn persona={persona} field={field} />
      </h3>
      {sentences.map((sentence, place) => (
        <p key={place} dir="auto" lang={persona.language}>
          {sentence}
        </p>
      ))}
    </section>
  );
}

function Traits({ persona }: { persona: Persona }) {
  const all = persona.drawn.includes("big_five");
  return (
    <section className="part">
      <h3 className="row tight">
        Big Five {all && <Drawn persona={persona} field="big_five" />}
      </h3>
      <dl className="persona-facts">
        {Object.entries(persona.big_five).map(([trait, level]) => (
          <Fragment key={trait}>
            <dt>{trait.charAt(0).toUpperCase() + trait.slice(1)}</dt>
            <dd>
              {String(level)} <Drawn persona={persona} field={trait} />
            </dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}
