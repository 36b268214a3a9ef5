// One model call: what was asked to the letter, what came back, and its figures.
import type { CallView } from "../records";
import { capital, count, several } from "../words";
import { Copy } from "./Copy";
import { latency } from "./latency";

interface CallCardProps {
  call: CallView;
  title: string;
  /** Whether it was asked again after this. */
  again?: boolean;
}

export function CallCard({ call, title, again = false }: CallCardProps) {
  return (
    <details className="call" open={!again}>
      <summary className="call-title">
        <span>{title}</span>
        {call.error && <span className="call-flag">not usable</span>}
        {call.cut && <span className="call-flag">cut at its limit</span>}
        <span className="quiet">{latency(call.latency_ms)}</span>
      </summary>
      {call.error && (
        <p className="call-error" dir="auto">
          <strong>{again ? "Asked again, with this sent back: " : "Not used: "}</strong>
          {call.error}
        </p>
      )}
      <Facts call={call} />
      <Answer call={call} />
      <Prompt call={call} />
    </details>
  );
}

/** The raw answer. */
function Answer({ call }: { call: CallView }) {
  if (call.text === null) return <p className="quiet">No answer came.</p>;
  const what = call.model === "person" ? "Answer given by a person" : "Raw answer";
  return (
    <section className="raw" aria-label={what}>
      <div className="raw-head">
        <h4>{what}</h4>
        <Copy text={call.text} what="the raw answer" />
      </div>
      <pre className="letters" dir="auto">
        {call.text || "(empty)"}
      </pre>
    </section>
  );
}

/** The rendered prompt, message by message. */
function Prompt({ call }: { call: CallView }) {
  const { messages } = call;
  if (messages.length === 0) return <p className="quiet">Nobody was asked for it: no prompt.</p>;
  const all = messages.map((m) => `[${m.role}]\n${m.content}`).join("\n\n");
  return (
    <section className="raw" aria-label="Prompt">
      <div className="raw-head">
        <h4>Prompt, {several(messages.length, "message")}</h4>
        <Copy text={all} what="the prompt" />
      </div>
      {messages.map((message, i) => (
        <div key={i} className={`message is-${message.role}`}>
          <h5>{capital(message.role ?? "")}</h5>
          <pre className="letters" dir="auto">
            {message.content}
          </pre>
        </div>
      ))}
    </section>
  );
}

function Facts({ call }: { call: CallView }) {
  const facts: [string, string][] = [
    ["Model", call.model],
    ["Tokens", tokens(call)],
    ["Requests", requests(call)],
    ["Seed", String(call.seed)],
    ["Prompt version", call.prompt_version],
    ["Request hash", call.request_hash],
  ];
  return (
    <dl className="named-figures is-wide">
      {facts
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

function tokens(call: CallView): string {
  const cached = call.cached_tokens ? ` (${count(call.cached_tokens)} cached)` : "";
  return `${count(call.prompt_tokens)} in${cached}, ${count(call.completion_tokens)} out`;
}

function requests(call: CallView): string {
  if (call.tries > 0) return count(call.tries);
  return call.model === "person" ? "none: given by hand" : "none: taken from the origin";
}
