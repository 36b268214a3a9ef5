// Replies in a table: what each did, what was said, what people said of it, and where it stands.
import { memo } from "react";
import { Link } from "wouter";
import { Annotations } from "../dialogue/Annotations";
import { to } from "../address";
import { FlagBadge, StrategyBadge } from "../parts/Badge";
import { Text } from "../parts/Text";
import { carries } from "../queries";
import type { ReplyCard } from "../records";
import { NONE } from "../words";
import { FeelingChange, Rating } from "./EffectFigures";

interface Props {
  runKey: string;
  rows: readonly ReplyCard[];
  /** Whether others are being asked for. */
  stale: boolean;
}

export function ReplyTable({ runKey, rows, stale }: Props) {
  return (
    <div className={stale ? "panel replies stale" : "panel replies"}>
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            {["Rating", "Feeling", "Strategy", "What was said", "Where"].map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((card) => (
            <ReplyRow key={`${card.dialogue} ${card.turn}`} runKey={runKey} card={card} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const ReplyRow = memo(function ReplyRow({ runKey, card }: { runKey: string; card: ReplyCard }) {
  return (
    <tr role="row">
      <td role="cell" data-label="Rating">
        <Rating effect={card.effect} />
      </td>
      <td role="cell" data-label="Feeling">
        <FeelingChange effect={card.effect} />
      </td>
      <td role="cell" data-label="Strategy">
        {card.strategy ? <StrategyBadge strategy={card.strategy} /> : <span>{NONE}</span>}
        {card.set_aside && <FlagBadge flag="set aside" />}
      </td>
      <td role="cell" className="reply-words">
        <p className="small quiet">
          <span className="reply-who">Seeker</span>
          <Text text={card.said} className="short" />
        </p>
        <p>
          <span className="reply-who small quiet">Supporter</span>
          {card.text ? (
            <Text text={card.text} className="long" />
          ) : (
            <span className="quiet">No reply.</span>
          )}
        </p>
        <Annotations annotations={card.annotations} />
      </td>
      <td role="cell" className="reply-where">
        <Where runKey={runKey} card={card} />
      </td>
    </tr>
  );
});

function Where({ runKey, card: { dialogue, turn, name, emotion } }: { runKey: string; card: ReplyCard }) {
  return (
    <>
      <Link href={to.dialogue(runKey, dialogue, turn)}>
        <bdi>{name}</bdi>, <span className="reply-turn">turn {turn}</span>
      </Link>
      <span className="small quiet">
        Dialogue {dialogue}, {emotion}
      </span>
      {carries.turn(runKey, dialogue, turn) && (
        <Link className="small" href={to.turn(runKey, dialogue, turn)}>
          Graph
          <span className="hidden-visually">
            {" "}
            of turn {turn} in dialogue {dialogue}
          </span>
        </Link>
      )}
    </>
  );
}
