// In a file on disk the page itself narrows and sorts the sample of dialogues that it carries.
import type { ListQuery } from "../queries";
import type { Count, DialogueCard, DialogueList } from "../records";
import { PAGE, type Choices } from "./listing";

export function narrowed(list: DialogueList, query: ListQuery): DialogueList {
  const found = sorted(list.rows.filter((card) => fits(card, query)), query);
  const offset = query.offset ?? 0;
  return { rows: found.slice(offset, offset + PAGE), total: found.length, offset };
}

function fits(card: DialogueCard, query: ListQuery): boolean {
  const { status, ended, problem, emotion, flag, q } = query;
  if (status && card.status !== status) return false;
  if (ended && card.stop_reason !== ended) return false;
  if (problem && card.problem !== problem) return false;
  if (emotion && card.emotion !== emotion) return false;
  if (flag && !card.flags.some((own) => own === flag)) return false;
  const text = `${card.name} ${card.persona_id} ${card.id} ${card.problem} ${card.emotion}`;
  return !q || text.toLowerCase().includes(q.toLowerCase());
}

function sorted(cards: DialogueCard[], query: ListQuery): DialogueCard[] {
  const sign = query.descending ? -1 : 1;
  return cards.toSorted((a, b) => {
    const [x, y] = [value(a, query.sort), value(b, query.sort)];
    if (x === null || y === null) return Number(x === null) - Number(y === null); // unknown: last
    return sign * (x - y) || a.index - b.index;
  });
}

function value(card: DialogueCard, sort: string | undefined): number | null {
  const { first_intensity: first, last_intensity: last, mean_rating } = card.outcome;
  if (sort === "turns") return card.turns;
  if (sort === "relief") return first === null || last === null ? null : first - last;
  if (sort === "rating") return mean_rating;
  if (sort === "set_aside") return card.set_aside;
  return card.index;
}

/** What filters can be set to among these, the commonest first. */
export function choicesAmong(cards: readonly DialogueCard[]): Choices {
  return {
    status: counted(cards.map((card) => card.status)),
    ended: counted(cards.flatMap((card) => card.stop_reason ?? [])),
    problem: counted(cards.map((card) => card.problem)),
    emotion: counted(cards.map((card) => card.emotion)),
    flag: counted(cards.flatMap((card) => card.flags)),
  };
}

function counted(names: readonly string[]): Count[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const found = [...counts].map(([name, count]) => ({ name, count }));
  return found.toSorted((a, b) => b.count - a.count || a.name.localeCompare(b.name));
}
