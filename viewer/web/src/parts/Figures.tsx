// Figures with their names, and a bar that fills.
import type { ReactNode } from "react";
import { percent } from "../words";
import "./figures.css";

export interface FigureItem {
  name: string;
  value: ReactNode;
  /** What it means, on hover. */
  title?: string;
  tone?: "bad" | "warn" | "good";
}

export function Figures({ items }: { items: readonly FigureItem[] }) {
  return (
    <dl className="figures">
      {items.map((item) => (
        <div key={item.name} title={item.title} className={item.tone}>
          <dt>{item.name}</dt>
          <dd>{item.value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface BarProps {
  /** 0 to 1. */
  share: number;
  label: string;
}

export function Progress({ share, label }: BarProps) {
  return (
    <div
      className="bar-track"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
      aria-valuetext={`${label}: ${percent(share)}`}
    >
      <span style={{ width: `${share * 100}%` }} />
    </div>
  );
}

interface CountsProps {
  counts: readonly { name: string; count: number }[];
  /** The whole that the counts are parts of. */
  of: number;
  word?: (name: string) => string;
}

/** Counts as a list with bars, the commonest first. */
export function Counts({ counts, of, word = (name) => name }: CountsProps) {
  return (
    <ul className="counts">
      {counts.map((item) => (
        <li key={item.name}>
          <span dir="auto">{word(item.name)}</span>
          <span className="number">{item.count.toLocaleString("en")}</span>
          <span className="counts-bar" aria-hidden="true">
            <span style={{ width: `${of ? Math.min(100, (item.count / of) * 100) : 0}%` }} />
          </span>
        </li>
      ))}
    </ul>
  );
}
