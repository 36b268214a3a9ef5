// The chat, turn after turn; the address may name a turn to go to.
import { useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { useParameters } from "../address";
import { Empty } from "../parts/State";
import { useRuns } from "../queries";
import type { DialoguePage, TurnView } from "../records";
import { ChatTurn } from "./ChatTurn";

/** Longer dialogues are drawn where they are in sight only. */
const MANY = 40;

interface Props {
  run: string;
  page: DialoguePage;
  fork: (turn: TurnView) => void;
}

export function Chat({ run, page, fork }: Props) {
  const runs = useRuns().data;
  const parameters = useParameters();
  const named = Number(parameters.get("turn") ?? 0);
  const list = useRef<HTMLOListElement>(null);
  const startFork = useStable(fork);
  useArrival(list, named, parameters);
  if (page.turns.length === 0) return <Empty>No turn yet.</Empty>;
  return (
    <ol className={page.turns.length > MANY ? "turns many" : "turns"} ref={list} aria-label="Turns">
      {page.turns.map((view) => (
        <ChatTurn
          key={view.turn.number}
          run={run}
          index={page.card.index}
          view={view}
          persona={page.persona}
          recorded={recordedReply(page, view)}
          forked={page.fork?.turn === view.turn.number ? page.changed : null}
          copied={page.fork !== null && view.turn.number < page.fork.turn}
          named={view.turn.number === named}
          opened={view.turn.number === named && parameters.has("open")}
          annotator={runs?.can_change ? runs.annotator : null}
          fork={startFork}
        />
      ))}
    </ol>
  );
}

/** A function that stays the same one while what it calls may change. */
function useStable<A>(call: (argument: A) => void): (argument: A) => void {
  const latest = useRef(call);
  useLayoutEffect(() => {
    latest.current = call;
  });
  return useCallback((argument: A) => latest.current(argument), []);
}

/** Shows the turn that the address names, once for each time that it is named. */
function useArrival(
  list: React.RefObject<HTMLOListElement | null>,
  named: number,
  parameters: URLSearchParams,
): void {
  useEffect(() => {
    if (!named) return;
    const turn = list.current?.querySelector(`#turn-${named}`);
    const show = () => turn?.scrollIntoView();
    show();
    turn?.querySelector<HTMLElement>("h2 a")?.focus({ preventScroll: true });
    // Turns out of sight have guessed heights; once drawn, the place may have moved.
    const frames = [50, 250].map((delay) => setTimeout(show, delay));
    return () => frames.forEach(clearTimeout);
  }, [list, named, parameters]);
}

/** The line that a person replied here, in a recording. */
function recordedReply(page: DialoguePage, view: TurnView): string | null {
  const line = page.recorded?.[view.heard];
  return line?.speaker === "supporter" ? line.text : null;
}
