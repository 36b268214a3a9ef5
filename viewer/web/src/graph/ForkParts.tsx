// The fork dialog's sections: what the run's graph has roles for, the plan open at first.
import type { ReactNode } from "react";
import type { Settings, Turn } from "../records";
import { PlanPart, ReflectionPart, ReplyPart, SeedPart } from "./ForkAnswers";
import { differing } from "./forkForm";
import type { ForkForm, Part } from "./forkForm";
import { ModelsPart, PromptsPart } from "./ForkModels";

interface ForkPartsProps {
  form: ForkForm;
  start: ForkForm;
  set(form: ForkForm): void;
  settings: Settings;
  turn: Turn;
}

export function ForkParts({ form, start, set, settings, turn }: ForkPartsProps) {
  const changed = differing(form, start);
  const section = (title: string, parts: Part[], children: ReactNode, open = false) => (
    <Section title={title} changed={parts.some((part) => changed.includes(part))} open={open}>
      {children}
    </Section>
  );
  const put =
    <P extends Part>(part: P) =>
    (value: ForkForm[P]) =>
      set({ ...form, [part]: value });
  const field = <P extends Part>(part: P) => ({ value: form[part], set: put(part), settings });
  const has = (role: string) => settings.roles.includes(role);
  const spoken = {
    label: "What is spoken",
    hint: "Stands in place of what this turn replied.",
    own: has("refiner"),
  };
  const drafted = { label: "Draft", hint: "What is refined; the reply follows from it." };
  // Where the draft is what is spoken, it and the reply are one.
  const drafts = has("responder") && turn.spoken !== "draft";
  return (
    <div className="fork-body">
      {has("planner") && section("Plan", ["plan"], <PlanPart {...field("plan")} />, true)}
      {drafts && section("Draft", ["draft"], <ReplyPart {...field("draft")} {...drafted} />)}
      {has("reflector") &&
        section("Reflection", ["reflection"], <ReflectionPart {...field("reflection")} />)}
      {section("Reply", ["reply"], <ReplyPart {...field("reply")} {...spoken} />, !has("planner"))}
      {section(
        "Models",
        ["model", "models"],
        <ModelsPart
          settings={settings}
          model={form.model}
          models={form.models}
          setModel={put("model")}
          setModels={put("models")}
        />,
      )}
      {section(
        "Prompts",
        ["prompts"],
        <PromptsPart settings={settings} prompts={form.prompts} set={put("prompts")} />,
      )}
      {section("Seed", ["seed"], <SeedPart {...field("seed")} />)}
    </div>
  );
}

interface SectionProps {
  title: string;
  changed: boolean;
  open: boolean;
  children: ReactNode;
}

function Section({ title, changed, open, children }: SectionProps) {
  return (
    <details className="fork-part" open={open}>
      <summary>
        <span className="fork-part-title">{title}</span>
        {changed && <span className="fork-part-changed">● changed</span>}
      </summary>
      {children}
    </details>
  );
}
