// What a branch changes, in words.
import type { Change } from "../records";

const SHORT = 60;

export function changeWords(change: Change): string {
  const parts = [
    change.plan && `plan ${change.plan.strategy}`,
    change.draft && `draft “${clipped(change.draft.text)}”`,
    change.reply && `reply “${clipped(change.reply.text)}”`,
    change.reflection && `reflection ${change.reflection.emotion} ${change.reflection.intensity}`,
    change.model && `model ${change.model}`,
    ...Object.entries(change.models).map(([role, spec]) => `model of the ${role} ${spec}`),
    ...Object.keys(change.prompts).map((role) => `prompt of the ${role}`),
    change.seed !== null && `seed ${change.seed}`,
  ];
  return parts.filter(Boolean).join("; ");
}

function clipped(text: string): string {
  return text.length <= SHORT ? text : `${text.slice(0, SHORT - 1)}…`;
}
