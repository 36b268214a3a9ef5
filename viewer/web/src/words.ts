// How numbers, counts and names are written.
import type { DialogueCard, SeekerTurn } from "./records";

const LOCALE = "en";
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 0 });

/** What stands where there is no value. */
export const NONE = "–";

/** `1,234`. */
export const count = (n: number | null | undefined): string => (n == null ? NONE : whole.format(n));

/** `1.2K`; below 10,000 in full. */
export const brief = (n: number | null | undefined): string =>
  n == null ? NONE : Math.abs(n) < 10_000 ? whole.format(n) : short.format(n);

/** `0.35`: with a fixed number of places. */
export const decimal = (n: number | null | undefined, places = 2): string =>
  n == null ? NONE : n.toFixed(places).replace("-", "−");

/** `+0.35`: with its sign. */
export const signed = (n: number | null | undefined, places = 2): string =>
  n == null ? NONE : n > 0 ? `+${decimal(n, places)}` : decimal(n, places);

/** `35%`. */
export const percent = (n: number | null | undefined): string => (n == null ? NONE : share.format(n));

/** `1 turn`, `2 turns`. */
export const several = (n: number, one: string, more = `${one}s`): string =>
  `${whole.format(n)} ${n === 1 ? one : more}`;

/** Milliseconds as `0.4 ms`, `350 ms`, `2.1 s`, `3 min 20 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms == null) return NONE;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${whole.format(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `gave_up` as `gave up`. */
export const plain = (name: string): string => name.replaceAll("_", " ");

/** First letter large. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** How a dialogue ended: its stop reason, `failed` or `open`. */
export const ending = (card: Pick<DialogueCard, "status" | "stop_reason">): string =>
  card.stop_reason ? plain(card.stop_reason) : card.status === "done" ? "ended" : card.status;

/** What a seeker feels: `anxiety 4 of 5`; empty where nobody knows. */
export function feeling({ emotion, intensity }: Pick<SeekerTurn, "emotion" | "intensity">): string {
  if (emotion === null) return intensity === null ? "" : `intensity ${intensity} of 5`;
  return intensity === null ? emotion : `${emotion} ${intensity} of 5`;
}

/** How a feeling changed: a sign, a word, and whether that is good. */
export function feltChange(before: number, after: number): readonly [string, string, string] {
  if (before === after) return ["=", "as strong", "same"];
  return after < before ? ["▼", "weaker", "good"] : ["▲", "stronger", "bad"];
}

/** What follows each of the eight strategies through the pages: its short name. */
const SHORT: Record<string, string> = {
  Question: "Question",
  "Restatement or Paraphrasing": "Restatement",
  "Reflection of feelings": "Reflection",
  "Self-disclosure": "Self-disclosure",
  "Affirmation and Reassurance": "Affirmation",
  "Providing Suggestions": "Suggestions",
  Information: "Information",
  Others: "Others",
};

/** The eight strategies in the taxonomy's sequence. */
export const STRATEGIES = Object.keys(SHORT);

/** `Restatement or Paraphrasing` as `Restatement`; an unknown name as it is. */
export const shortStrategy = (name: string): string => SHORT[name] ?? name;
