// The dialogues of a run: searched, filtered, sorted, page after page.
import { isFile } from "../api";
import { Paging } from "../parts/Paging";
import { Empty, Loading, Notice, Trouble } from "../parts/State";
import { useDialogues } from "../queries";
import type { DialogueList, RunPage } from "../records";
import { count, several } from "../words";
import { DialogueRow } from "./DialogueRow";
import { Filters } from "./Filters";
import { choicesAmong, narrowed } from "./inFile";
import { choicesOf, isNarrowed, PAGE, useListing } from "./listing";
import "./runs.css";

const NOTHING = { q: "", status: "", ended: "", problem: "", emotion: "", flag: "" };

interface Props {
  runKey: string;
  run: RunPage;
}

export function DialogueTable({ runKey, run }: Props) {
  const { query, change } = useListing();
  const list = useDialogues(runKey, isFile ? {} : query);
  const data = list.data && isFile ? narrowed(list.data, query) : list.data;
  const choices = isFile ? choicesAmong(list.data?.rows ?? []) : choicesOf(run);
  return (
    <section className="stack" aria-label="Dialogues" aria-busy={list.isFetching}>
      <h2>Dialogues</h2>
      {isFile && <Sample run={run} list={list.data} />}
      <Filters choices={choices} query={query} change={change} />
      {list.isError && <Trouble error={list.error} again={() => void list.refetch()} />}
      {data === undefined && !list.isError && <Loading what="dialogues" />}
      {data && (
        <>
          <div className="row found">
            <p role="status" className="small quiet">
              {said(data, isNarrowed(query), branchesAmong(list.data, run))}
            </p>
            {isNarrowed(query) && (
              <button type="button" className="plain small" onClick={() => change(NOTHING)}>
                Clear search and filters
              </button>
            )}
          </div>
          {data.rows.length === 0 ? (
            <Empty>{isNarrowed(query) ? "No dialogue fits." : "There is no dialogue yet."}</Empty>
          ) : (
            <Rows runKey={runKey} data={data} stale={list.isPlaceholderData} />
          )}
          <Paging
            list={data}
            size={PAGE}
            turn={(offset) => change({ offset: offset ? String(offset) : "" })}
          />
        </>
      )}
    </section>
  );
}

function Sample({ run, list }: { run: RunPage; list: DialogueList | undefined }) {
  if (!list || list.rows.length >= run.card.dialogues + run.card.branches) return null;
  const branches = branchesAmong(list, run);
  return (
    <Notice>
      This file holds a sample: {count(list.rows.length - branches)} of the run's{" "}
      {several(run.card.dialogues, "dialogue")}
      {branches > 0 && ` and ${count(branches)} of ${several(run.card.branches, "branch", "branches")}`}
      , with more of those that failed, hold a crisis or a set-aside turn, were annotated or forked.
    </Notice>
  );
}

/** How many of a list that nothing narrows are branches. */
function branchesAmong(list: DialogueList | undefined, run: RunPage): number {
  if (!isFile) return run.card.branches;
  return list?.rows.filter((card) => card.origin !== null).length ?? 0;
}

function said(data: DialogueList, narrow: boolean, branches: number): string {
  if (data.total === 0) return "";
  const last = data.offset + data.rows.length;
  const which = data.total > data.rows.length ? `${count(data.offset + 1)}–${count(last)} of ` : "";
  if (narrow) return `${which}${several(data.total, "dialogue")} found`;
  const also = branches > 0 ? ` and ${several(branches, "branch", "branches")}` : "";
  // The list and the run's figures may be asked for at different times.
  return `${which}${several(Math.max(0, data.total - branches), "dialogue")}${also}`;
}

interface RowsProps {
  runKey: string;
  data: DialogueList;
  stale: boolean;
}

function Rows({ runKey, data, stale }: RowsProps) {
  return (
    <div className={stale ? "panel dialogues stale" : "panel dialogues"}>
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col" className="number">
              No.
            </th>
            <th role="columnheader" scope="col">Persona and problem</th>
            <th role="columnheader" scope="col" className="number">
              Replies
            </th>
            <th role="columnheader" scope="col" className="number">
              Intensity
            </th>
            <th role="columnheader" scope="col" className="number">
              Rating
            </th>
            <th role="columnheader" scope="col">Ended</th>
          </tr>
        </thead>
        {data.rows.map((row) => (
          <DialogueRow key={row.index} runKey={runKey} card={row} />
        ))}
      </table>
    </div>
  );
}
