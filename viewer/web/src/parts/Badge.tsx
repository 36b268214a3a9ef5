// Small labels: flags, states, strategies; each says its sense in words.
import type { ReactNode } from "react";
import type { DialogueCard } from "../records";
import { shortStrategy } from "../words";
import "./badge.css";

export type Tone = "plain" | "accent" | "good" | "bad" | "warn" | "person";

interface Props {
  tone?: Tone;
  title?: string;
  children: ReactNode;
}

export function Badge({ tone = "plain", title, children }: Props) {
  return (
    <span className={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

type Flag = DialogueCard["flags"][number];
const FLAGS: Record<Flag, [Tone, string]> = {
  "set aside": ["warn", "a role gave no usable answer in a turn"],
  crisis: ["bad", "a crisis was found; the supporter handed over"],
  failed: ["bad", "an error ended it"],
  annotated: ["person", "a person has said something of a turn"],
  bad: ["bad", "a person called a turn bad or named an error"],
  faulty: ["warn", "a judge found an error in a reply"],
  branch: ["accent", "forked from another dialogue"],
};

export function FlagBadge({ flag }: { flag: Flag }) {
  const [tone, meaning] = FLAGS[flag];
  return (
    <Badge tone={tone} title={meaning}>
      {flag}
    </Badge>
  );
}

const STATES: Record<string, [Tone, string]> = {
  done: ["good", "✓"],
  open: ["accent", "…"],
  failed: ["bad", "✕"],
  "set aside": ["warn", "!"],
  given: ["person", "✎"],
  kept: ["plain", "="],
  "not reached": ["plain", "–"],
};

/** A dialogue's or a node's status, with a sign of its own. */
export function StatusBadge({ status }: { status: string }) {
  const [tone, sign] = STATES[status] ?? ["plain", "·"];
  return (
    <Badge tone={tone}>
      <span aria-hidden="true">{sign}</span> {status}
    </Badge>
  );
}

/** A strategy by its short name; the whole name on hover and for screen readers. */
export function StrategyBadge({ strategy }: { strategy: string }) {
  const short = shortStrategy(strategy);
  return (
    <Badge tone="accent" title={strategy}>
      {short === strategy ? strategy : <abbr title={strategy}>{short}</abbr>}
    </Badge>
  );
}
