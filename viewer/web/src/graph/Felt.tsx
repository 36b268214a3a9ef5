// The seeker's hidden state beside what the reflector inferred, agreement marked.
import type { TurnView } from "../records";
import { NONE, signed } from "../words";

export function Felt({ view }: { view: TurnView }) {
  const { seeker, reflection } = view.turn;
  if (seeker.emotion === null && !reflection) return null;
  const { emotion, intensity } = view.inference ?? {};
  return (
    <dl className="named-figures">
      <Fact name="Felt (hidden)" value={pair(seeker.emotion, seeker.intensity)} />
      {reflection && (
        <Fact
          name="Inferred by the reflector"
          value={pair(reflection.emotion, reflection.intensity)}
          note={agreement(emotion, intensity)}
        />
      )}
      {seeker.rating !== null && <Fact name="Rates the reply before" value={`${seeker.rating} of 5`} />}
    </dl>
  );
}

function pair(emotion: string | null, intensity: number | null): string {
  if (emotion === null) return NONE;
  return intensity === null ? emotion : `${emotion}, intensity ${intensity}`;
}

/** In words and with a sign, as both can be wrong by themselves. */
function agreement(emotion?: boolean | null, intensity?: number | null): string {
  const parts: string[] = [];
  if (emotion != null) parts.push(emotion ? "✓ same emotion" : "≠ another emotion");
  if (intensity != null) {
    parts.push(intensity === 0 ? "✓ same intensity" : `intensity ${signed(intensity, 0)}`);
  }
  return parts.join(", ");
}

function Fact({ name, value, note }: { name: string; value: string; note?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value}
        {note && <span className="quiet"> ({note})</span>}
      </dd>
    </div>
  );
}
