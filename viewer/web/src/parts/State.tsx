// What stands in place of content: loading, nothing there, a refusal.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { Refused } from "../api";
import { capital } from "../words";

export function Loading({ what = "" }: { what?: string }) {
  return (
    <p className="loading" role="status">
      Loading{what && ` ${what}`} …
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="loading">{children}</p>;
}

interface NoticeProps {
  tone?: "plain" | "bad" | "warn" | "accent";
  children: ReactNode;
  action?: ReactNode;
}

export function Notice({ tone = "plain", children, action }: NoticeProps) {
  return (
    <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : undefined}>
      <p dir="auto">{children}</p>
      {action}
    </div>
  );
}

const TITLES: Record<number, string> = {
  0: "The server does not answer.",
  403: "This link is not valid any more.",
};

/** A refusal in words, with a way to try again; what is not there is not tried again. */
export function Trouble({ error, again }: { error: unknown; again?: () => void }) {
  const title = error instanceof Refused ? TITLES[error.status] : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const missing = error instanceof Refused && error.status === 404;
  const button = again && !missing && (
    <button type="button" onClick={again}>
      Try again
    </button>
  );
  const away = again && missing && <Link href="/">Go to the runs</Link>;
  return (
    <Notice tone="bad" action={button || away}>
      {title && !message.startsWith(title) && <strong>{title} </strong>}
      {capital(message)}
    </Notice>
  );
}

interface AnswerProps<T> {
  query: UseQueryResult<T>;
  what?: string;
  children: (data: T) => ReactNode;
}

/** The content once it is there; else what there is to say. An old answer stays in sight. */
export function Answer<T>({ query, what, children }: AnswerProps<T>) {
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && <Trouble error={query.error} again={() => void query.refetch()} />}
        {children(query.data)}
      </>
    );
  }
  if (query.isError) return <Trouble error={query.error} again={() => void query.refetch()} />;
  return <Loading what={what} />;
}
