// The replies of a run, the worst first: where it went wrong, and what people said of it.
import { Link, useParams } from "wouter";
import { isFile } from "../api";
import { to } from "../address";
import { Page } from "../parts/Page";
import { Paging } from "../parts/Paging";
import { Empty, Loading, Notice, Trouble } from "../parts/State";
import { useReplies, useRun } from "../queries";
import type { ReplyList, RunCard } from "../records";
import { PAGE } from "../runs/listing";
import { RunProgress } from "../runs/RunsPage";
import { count, several } from "../words";
import { Filters } from "./Filters";
import { isNarrowed, NOTHING, useReplyListing } from "./listing";
import { ReplyTable } from "./ReplyTable";
import "./replies.css";

export default function RepliesPage() {
  const { run: key = "" } = useParams();
  const card = useRun(key).data?.card;
  const links = (
    <nav aria-label="Of this run" className="row">
      <Link className="button" href={to.strategies(key)}>
        Strategies
      </Link>
    </nav>
  );
  const crumbs = [{ label: card?.name ?? key, to: to.run(key) }];
  return (
    <Page title="Replies" crumbs={crumbs} aside={links}>
      <p className="quiet small">
        What each reply did, as the seeker's next turn tells: how they rate it, and how strong their
        feeling was when they spoke before it and after it. Branches are left out.
      </p>
      {card && <RunProgress run={card} />}
      {card?.replayed && (
        <Notice>
          This run answers recorded dialogues. The seeker there went on from another reply, so nobody
          knows what these did.
        </Notice>
      )}
      <List runKey={key} card={card} />
    </Page>
  );
}

function List({ runKey, card }: { runKey: string; card: RunCard | undefined }) {
  const { query, change } = useReplyListing();
  const list = useReplies(runKey, query);
  const narrow = isNarrowed(query);
  const ofPeople = query.flag === "annotated" || query.flag === "bad";
  return (
    <section className="stack" aria-label="Replies" aria-busy={list.isFetching}>
      {!isFile && <Filters query={query} change={change} />}
      {list.isError && <Trouble error={list.error} again={() => void list.refetch()} />}
      {list.data === undefined && !list.isError && <Loading what="replies" />}
      {list.data && (
        <>
          <div className="row found">
            <p role="status" className="small quiet">
              {said(list.data, narrow)}
            </p>
            {narrow && (
              <button type="button" className="plain small" onClick={() => change(NOTHING)}>
                Clear filters
              </button>
            )}
            {ofPeople && card !== undefined && card.branches > 0 && (
              <Link className="small" href={`${to.run(runKey)}?flag=${query.flag}`}>
                Dialogues and branches with this mark
              </Link>
            )}
          </div>
          {list.data.rows.length === 0 ? (
            <Empty>{empty(list.data, narrow)}</Empty>
          ) : (
            <ReplyTable runKey={runKey} rows={list.data.rows} stale={list.isPlaceholderData} />
          )}
          <Paging
            list={list.data}
            size={PAGE}
            turn={(offset) => change({ offset: offset ? String(offset) : "" })}
          />
        </>
      )}
    </section>
  );
}

function empty(list: ReplyList, narrow: boolean): string {
  if (list.total > 0) return "The list ends before this page.";
  return narrow ? "No reply fits." : "There is no reply yet.";
}

function said(list: ReplyList, narrow: boolean): string {
  if (list.rows.length === 0) return "";
  const last = list.offset + list.rows.length;
  const part = list.total > list.rows.length;
  const which = part ? `${count(list.offset + 1)}–${count(last)} of ` : "";
  return `${which}${several(list.total, "reply", "replies")}${narrow ? " found" : ""}`;
}
