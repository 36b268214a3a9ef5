// A dialogue in a list, with where a search was found in it.
import { memo } from "react";
import { Link } from "wouter";
import { to } from "../address";
import { Badge, FlagBadge } from "../parts/Badge";
import { BranchSign } from "../parts/BranchSign";
import { carries } from "../queries";
import type { DialogueCard, Hit } from "../records";
import { count, decimal, ending, NONE } from "../words";

interface Props {
  runKey: string;
  card: DialogueCard;
}

export const DialogueRow = memo(function DialogueRow({ runKey, card }: Props) {
  return (
    <tbody role="rowgroup">
      <tr role="row" className={card.hits.length ? "has-hits" : undefined}>
        <td role="cell" className="number">{card.index}</td>
        <td role="cell">
          <Link className="name" href={to.dialogue(runKey, card.index)}>
            <bdi>{card.name}</bdi>
          </Link>{" "}
          <span className="quiet">
            {card.problem} · {card.emotion}
          </span>
          <Flags runKey={runKey} card={card} />
        </td>
        <td role="cell" className="number" data-label="Replies">
          {count(card.turns)}
        </td>
        <td role="cell" className="number" data-label="Intensity">
          <Intensity card={card} />
        </td>
        <td role="cell" className="number" data-label="Rating">
          {decimal(card.outcome.mean_rating, 1)}
        </td>
        <td role="cell" className={card.status === "failed" ? "failed" : undefined} data-label="Ended">
          {ending(card)}
        </td>
      </tr>
      {card.hits.length > 0 && (
        <tr role="row" className="hits">
          <td role="cell" />
          <td role="cell" colSpan={5}>
            <ul>
              {card.hits.map((hit, place) => (
                <HitLine key={place} runKey={runKey} card={card} hit={hit} />
              ))}
            </ul>
          </td>
        </tr>
      )}
    </tbody>
  );
});

function Flags({ runKey, card }: Props) {
  const flags = card.flags.filter((flag) => flag !== "branch");
  if (flags.length === 0 && card.origin === null) return null;
  return (
    <div className="row tight">
      {card.origin !== null && (
        <Badge tone="accent">
          <BranchSign /> branch of{" "}
          {carries.dialogue(runKey, card.origin) ? (
            <Link href={to.dialogue(runKey, card.origin, card.forked_at ?? undefined)}>
              {card.origin}
            </Link>
          ) : (
            card.origin
          )}{" "}
          at turn {card.forked_at}
        </Badge>
      )}
      {flags.map((flag) => (
        <FlagBadge key={flag} flag={flag} />
      ))}
    </div>
  );
}

function Intensity({ card }: { card: DialogueCard }) {
  const { first_intensity: first, last_intensity: last } = card.outcome;
  if (first === null || last === null) return <>{NONE}</>;
  const words = first > last ? "less" : first < last ? "more" : "the same";
  return (
    <>
      {first} → {last} <span className="hidden-visually">({words})</span>
    </>
  );
}

/** Fields that stand in the chat itself; the others are behind a turn's details. */
const SPOKEN = ["seeker", "reply", "persona", "error"];

function HitLine({ runKey, card, hit }: Props & { hit: Hit }) {
  const open = SPOKEN.includes(hit.field) ? "" : "&open=1";
  const place = to.dialogue(runKey, card.index, hit.turn || undefined) + (hit.turn ? open : "");
  return (
    <li>
      <Link href={place}>
        {hit.turn ? `Turn ${hit.turn}, ${hit.field}` : hit.field}
      </Link>{" "}
      <span dir="auto" className="excerpt">
        {hit.before}
        <mark>{hit.found}</mark>
        {hit.after}
      </span>
    </li>
  );
}
