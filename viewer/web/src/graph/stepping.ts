// Going through a turn node by node and from turn to turn, by key or by button.
import { useEffect } from "react";
import { go, to } from "../address";
import { has } from "../api";
import type { Step, TurnPage } from "../records";

export interface Stepping {
  /** The step that is shown. */
  step: Step;
  /** Its place among those that were reached, from 0; -1 where it was not. */
  place: number;
  reached: readonly Step[];
  /** Shows a node; the address says which, so that a link leads to it. */
  choose(node: string): void;
  /** Shows another node of this turn; null where there is none. */
  back: (() => void) | null;
  forth: (() => void) | null;
  /** Shows the same node in another turn. */
  turnBack: (() => void) | null;
  turnForth: (() => void) | null;
}

/** Where a page stands: a run, a dialogue, a turn, and the node in its address. */
export interface Place {
  run: string;
  dialogue: number;
  turn: number;
  node: string | null;
}

/** Null for a turn without a node, as no graph has it. */
export function stepping(page: TurnPage, place: Place): Stepping | null {
  const { run, dialogue, turn, node } = place;
  const reached = page.steps.filter((step) => step.status !== "not reached");
  const step = page.steps.find((one) => one.node === node) ?? first(reached) ?? page.steps[0];
  if (!step) return null;
  const at = reached.indexOf(step);
  const show = (number: number, name: string, replace: boolean) =>
    go(`${to.turn(run, dialogue, number)}?node=${encodeURIComponent(name)}`, { replace });
  const choose = (name: string) => show(turn, name, true);
  const nodeAt = (i: number) => (reached[i] ? () => choose(reached[i]!.node) : null);
  const turnAt = (number: number) =>
    number >= 1 && number <= page.last && has(turnPath(run, dialogue, number))
      ? () => show(number, step.node, false)
      : null;
  return {
    step,
    place: at,
    reached,
    choose,
    back: at > 0 ? nodeAt(at - 1) : null,
    forth: nodeAt(at + 1),
    turnBack: turnAt(turn - 1),
    turnForth: turnAt(turn + 1),
  };
}

/** A file on disk may not hold every turn. */
function turnPath(run: string, dialogue: number, turn: number): string {
  return `api/runs/${encodeURIComponent(run)}/dialogues/${dialogue}/turns/${turn}`;
}

/** What went wrong comes first, then what a person changed; else the beginning. */
function first(reached: readonly Step[]): Step | undefined {
  const find = (status: Step["status"]) => reached.find((step) => step.status === status);
  return find("failed") ?? find("set aside") ?? find("given") ?? reached[0];
}

/** Left and right (or k and j) go by node, with Shift (or [ and ]) by turn. */
export function useStepKeys(steps: Stepping | null, off: boolean): void {
  useEffect(() => {
    if (!steps || off) return;
    const pressed = (event: KeyboardEvent) => {
      const act = isOurs(event) ? meant(event, steps) : undefined;
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [steps, off]);
}

function meant(event: KeyboardEvent, steps: Stepping): (() => void) | null | undefined {
  const key = event.shiftKey ? `Shift+${event.key}` : event.key;
  return {
    ArrowLeft: steps.back,
    k: steps.back,
    ArrowRight: steps.forth,
    j: steps.forth,
    "Shift+ArrowLeft": steps.turnBack,
    "[": steps.turnBack,
    "Shift+ArrowRight": steps.turnForth,
    "]": steps.turnForth,
  }[key];
}

/** Keys with a meaning of their own, and those that write into a field, are left alone. */
function isOurs(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return false;
  const target = event.target instanceof Element ? event.target : null;
  return !target?.closest("input, textarea, select, [contenteditable], dialog");
}
