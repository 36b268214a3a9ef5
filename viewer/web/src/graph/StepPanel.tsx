// What one node did in a turn: its figures, what it put into the turn, and every attempt.
import type { Step } from "../records";
import { count } from "../words";
import { CallCard } from "./CallCard";
import { Copy } from "./Copy";
import { latency } from "./latency";
import { Parsed } from "./Parsed";
import { MEANING, StatusWord } from "./StatusIcon";

export function StepPanel({ step }: { step: Step }) {
  const { calls } = step;
  return (
    <section className="panel step-panel" aria-labelledby="step-name">
      <header className="step-head">
        <h2 id="step-name">{step.node}</h2>
        <StatusWord status={step.status} />
      </header>
      <p className="quiet">{MEANING[step.status]}</p>
      {step.reason && (
        <p className={wrong(step) ? "call-error" : undefined} dir="auto">
          {step.reason}
        </p>
      )}
      {step.status !== "not reached" && <Figures step={step} />}
      <Record step={step} />
      {calls.length > 0 && <h3>{calls.length > 1 ? "Model calls" : "Model call"}</h3>}
      {calls.map((call, i) => (
        <CallCard
          key={`${step.node} ${i}`}
          call={call}
          title={calls.length > 1 ? `Attempt ${i + 1} of ${calls.length}` : call.model}
          again={i + 1 < calls.length}
        />
      ))}
    </section>
  );
}

function wrong({ status }: Step): boolean {
  return status === "failed" || status === "set aside";
}

function Figures({ step }: { step: Step }) {
  return (
    <dl className="named-figures">
      <Fact name="Latency" value={latency(step.latency_ms)} />
      <Fact name="Tokens in" value={count(step.prompt_tokens)} />
      <Fact name="Tokens out" value={count(step.completion_tokens)} />
      <Fact name="Attempts" value={count(step.calls.length)} />
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** What it was read as. */
function Record({ step }: { step: Step }) {
  const parsed: unknown = step.parsed;
  if (parsed === null || parsed === undefined) return null;
  return (
    <section className="raw" aria-label="Parsed record">
      <div className="raw-head">
        <h3>Parsed record</h3>
        <Copy text={JSON.stringify(parsed, null, 2)} what="the record as JSON" />
      </div>
      <Parsed value={parsed} />
    </section>
  );
}
