// The fork dialog's fields: what they start with, and the change that they amount to.
import { EVERY } from "./Field";
import type { Change, Emotion, Inferred, Reply, Settings, Stage, Strategy, Turn } from "../records";

export interface PlanFields {
  strategy: string;
  stage: string;
  reason: string;
}

export interface ReplyFields {
  text: string;
  strategy: string;
}

export interface ReflectionFields {
  who: string;
  emotion: string;
  intensity: string;
  situation: string;
  /** One a line. */
  needs: string;
  avoid: string;
}

/** Everything as it is typed; empty means none. */
export interface ForkForm {
  plan: PlanFields;
  draft: ReplyFields;
  reply: ReplyFields;
  reflection: ReflectionFields;
  model: string;
  models: Record<string, string>;
  prompts: Record<string, string>;
  seed: string;
}

export type Part = keyof ForkForm;

/** The reason of a plan that nobody gave one for. */
export const CHOSEN = "Chosen by a person.";

export function formOf(turn: Turn, settings: Settings): ForkForm {
  const { plan, reflection } = turn;
  return {
    plan: {
      strategy: plan?.strategy ?? "",
      stage: plan?.stage ?? "",
      reason: plan?.reason ?? "",
    },
    draft: replyFields(turn.draft),
    reply: replyFields(turn.spoken ? turn[turn.spoken] : null),
    reflection: {
      who: reflection?.who ?? "",
      emotion: reflection?.emotion ?? "",
      intensity: reflection ? String(reflection.intensity) : "",
      situation: reflection?.situation ?? "",
      needs: reflection?.needs.join("\n") ?? "",
      avoid: reflection?.avoid.join("\n") ?? "",
    },
    model: "",
    models: { ...settings.models },
    prompts: { ...settings.prompts },
    seed: "",
  };
}

function replyFields(reply: Reply | null): ReplyFields {
  return { text: reply?.text ?? "", strategy: reply?.strategy ?? "" };
}

/** Which parts differ from what the turn has. */
export function differing(form: ForkForm, start: ForkForm): Part[] {
  return (Object.keys(form) as Part[]).filter((part) => !same(form[part], start[part]));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The changes of a form: one, or one for every strategy that the turn does not plan. */
export function changesOf(form: ForkForm, start: ForkForm, turn: Turn, settings: Settings): Change[] {
  const strategies =
    form.plan.strategy === EVERY
      ? settings.strategies.filter((name) => name !== turn.plan?.strategy)
      : [form.plan.strategy];
  const refined = settings.roles.includes("refiner");
  return strategies.map((strategy) =>
    changeOf({ ...form, plan: { ...form.plan, strategy } }, start, turn, refined),
  );
}

/** The change of a form; only what differs is in it. `refined`: whether the graph has a refiner. */
function changeOf(form: ForkForm, start: ForkForm, turn: Turn, refined: boolean): Change {
  const parts = new Set(differing(form, start));
  return {
    plan: parts.has("plan") ? planOf(form.plan) : null,
    draft: parts.has("draft") ? replyOf({ ...form.draft, strategy: "" }) : null,
    reply: parts.has("reply") ? replyOf(refined ? form.reply : { ...form.reply, strategy: "" }) : null,
    reflection: parts.has("reflection") ? reflectionOf(form.reflection, turn) : null,
    model: form.model.trim() || null,
    models: changedOf(form.models, start.models),
    prompts: changedOf(form.prompts, start.prompts),
    seed: form.seed.trim() ? Number(form.seed) : null,
  };
}

function planOf({ strategy, stage, reason }: PlanFields): Change["plan"] {
  const named = (stage || null) as Stage | null;
  return { strategy: strategy as Strategy, stage: named, reason: reason.trim() || CHOSEN };
}

function replyOf({ text, strategy }: ReplyFields): Reply {
  return { text: text.trim(), strategy: (strategy || null) as Strategy | null };
}

const NO_SIGN: Inferred = {
  openness: null,
  conscientiousness: null,
  extraversion: null,
  agreeableness: null,
  neuroticism: null,
};

function reflectionOf(fields: ReflectionFields, turn: Turn): Change["reflection"] {
  return {
    who: fields.who.trim(),
    personality: turn.reflection?.personality ?? NO_SIGN,
    emotion: fields.emotion as Emotion,
    intensity: Number(fields.intensity),
    situation: fields.situation.trim(),
    needs: lines(fields.needs),
    avoid: lines(fields.avoid),
  };
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

function changedOf(now: Record<string, string>, before: Record<string, string>) {
  return Object.fromEntries(Object.entries(now).filter(([role, text]) => text !== before[role]));
}

export const NO_CHANGE = "Nothing is changed yet.";

/** What the fields lack, in words; the rest the server judges. */
export function lacking(form: ForkForm, start: ForkForm): string[] {
  const parts = new Set(differing(form, start));
  const found: string[] = [];
  if (parts.size === 0) found.push(NO_CHANGE);
  if (parts.has("plan") && !form.plan.strategy) found.push("The plan needs a strategy.");
  if (parts.has("draft") && !form.draft.text.trim()) found.push("The draft is empty.");
  if (parts.has("reply") && !form.reply.text.trim()) found.push("The reply is empty.");
  if (parts.has("reflection")) found.push(...lackingReflection(form.reflection));
  const roles = { ...form.models };
  const empty = Object.keys(roles).find((role) => !roles[role]?.trim());
  if (empty) found.push(`The ${empty}'s model is empty.`);
  if (form.seed.trim() && !Number.isSafeInteger(wholeNumber(form.seed))) {
    found.push(`A seed is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
  }
  return found;
}

function wholeNumber(text: string): number {
  return /^\d+$/.test(text.trim()) ? Number(text) : NaN;
}

function lackingReflection(fields: ReflectionFields): string[] {
  const found: string[] = [];
  if (!fields.emotion) found.push("The reflection needs an emotion.");
  if (!fields.intensity) found.push("The reflection needs an intensity.");
  if (!fields.who.trim()) found.push("The reflection needs to say who it is.");
  if (!fields.situation.trim()) found.push("The reflection needs a situation.");
  return found;
}
