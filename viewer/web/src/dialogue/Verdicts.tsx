// Judgements with their reasons.
import { Badge } from "../parts/Badge";
import type { Verdict } from "../records";
import { decimal } from "../words";

export function Verdicts({ verdicts }: { verdicts: readonly Verdict[] }) {
  return (
    <ul className="verdicts">
      {verdicts.map((verdict, place) => (
        <li key={place}>
          <div className="row tight">
            <strong>{verdict.name}</strong>
            {verdict.about && <Badge>{verdict.about}</Badge>}
            {verdict.label && <Badge tone={tone(verdict)}>{verdict.label}</Badge>}
            <span className="number">
              {verdict.value === null ? "no value" : decimal(verdict.value, places(verdict.value))}
            </span>
            <span className="quiet small mono">{verdict.judge}</span>
          </div>
          {verdict.reason && <p dir="auto">{verdict.reason}</p>}
        </li>
      ))}
    </ul>
  );
}

const tone = (verdict: Verdict) =>
  verdict.name.includes("error") && verdict.value === 1 ? "warn" : "plain";

const places = (value: number) => (Number.isInteger(value) ? 0 : 2);
