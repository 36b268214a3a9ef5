// What people said of a turn.
import { Badge } from "../parts/Badge";
import type { Annotation } from "../records";

export function Annotations({ annotations }: { annotations: Record<string, Annotation> }) {
  const said = Object.entries(annotations);
  if (said.length === 0) return null;
  return (
    <ul className="annotations" aria-label="Annotations">
      {said.map(([who, annotation]) => (
        <One key={who} who={who} said={annotation} />
      ))}
    </ul>
  );
}

function One({ who, said }: { who: string; said: Annotation }) {
  return (
    <li>
      <div className="row tight">
        <strong dir="auto">{who}</strong>
        {said.label && (
          <Badge tone={said.label}>
            <span aria-hidden="true">{said.label === "good" ? "✓" : "✕"}</span> {said.label}
          </Badge>
        )}
        {said.errors.map((error) => (
          <Badge key={error} tone="warn">
            {error}
          </Badge>
        ))}
      </div>
      {said.note && (
        <p dir="auto" className="note">
          {said.note}
        </p>
      )}
    </li>
  );
}
