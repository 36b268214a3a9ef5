// A record as names and values, however deep: what a node's answer was read as.
import { NONE, plain } from "../words";

export function Parsed({ value }: { value: unknown }) {
  if (value === null || value === undefined || value === "") return <span>{NONE}</span>;
  if (Array.isArray(value)) return <List values={value} />;
  if (typeof value === "object") return <Fields record={value as Record<string, unknown>} />;
  if (typeof value === "boolean") return <span>{value ? "yes" : "no"}</span>;
  return <span dir="auto">{String(value)}</span>;
}

function List({ values }: { values: readonly unknown[] }) {
  if (values.length === 0) return <span>{NONE}</span>;
  return (
    <ul className="parsed-list">
      {values.map((value, i) => (
        <li key={i}>
          <Parsed value={value} />
        </li>
      ))}
    </ul>
  );
}

function Fields({ record }: { record: Record<string, unknown> }) {
  const fields = Object.entries(record);
  if (fields.length === 0) return <span>{NONE}</span>;
  return (
    <dl className="parsed">
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt>{plain(name)}</dt>
          <dd>
            <Parsed value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
