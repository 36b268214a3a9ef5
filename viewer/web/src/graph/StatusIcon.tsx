// A node's status as a shape, so that no colour is needed to tell it.
import type { Status } from "./marks";

const SHAPES: Record<Status, string> = {
  done: "M3.5 8.5 6.8 11.8 12.8 4.8",
  "set aside": "M8 2.5 14 13.2H2ZM8 6.5V9.6M8 11.2V11.7",
  failed: "M4 4 12 12M12 4 4 12",
  given: "M3 13 3.8 9.8 10.8 2.8 13.2 5.2 6.2 12.2Z",
  kept: "M13 8A5 5 0 1 1 11.2 4.2M11.5 1.5V4.5H8.5",
  "not reached": "M8 3.5A4.5 4.5 0 1 1 7.9 3.5Z",
};

/** What each status means, as it is said where somebody asks. */
export const MEANING: Record<Status, string> = {
  done: "It did its part, and what it gave was used.",
  "set aside": "It gave no usable answer; the turn went on without it.",
  failed: "It failed, and the dialogue ended here.",
  given: "A person's answer stands here.",
  kept: "Its answers are those of the dialogue that this one branches from.",
  "not reached": "This turn did not pass through it.",
};

export function StatusIcon({ status }: { status: Status }) {
  return (
    <svg className="status-icon" viewBox="0 0 16 16" width="15" height="15" aria-hidden="true">
      <path d={SHAPES[status]} />
    </svg>
  );
}

/** Icon and word together. */
export function StatusWord({ status }: { status: Status }) {
  return (
    <span className={`status-word is-${status.replace(" ", "-")}`} title={MEANING[status]}>
      <StatusIcon status={status} /> {status}
    </span>
  );
}
