// Fields for what stands in place of an answer at the forked turn: plan, reflection, draft, reply.
import type { Settings } from "../records";
import { Choice, Line, Lines } from "./Field";
import { CHOSEN } from "./forkForm";
import type { ForkForm, PlanFields, ReflectionFields, ReplyFields } from "./forkForm";

/** One part of the form, and how to set it. */
interface PartProps<T> {
  value: T;
  set(value: T): void;
  settings: Settings;
}

const INTENSITIES = ["1", "2", "3", "4", "5"];

export function PlanPart({ value, set, settings }: PartProps<PlanFields>) {
  return (
    <div className="fields">
      <Choice
        label="Strategy"
        value={value.strategy}
        options={settings.strategies}
        every="every other, a branch each"
        // The stage and the reason were those of the other strategy.
        onChange={(strategy) => set({ strategy, stage: "", reason: CHOSEN })}
      />
      <Choice
        label="Stage"
        value={value.stage}
        options={settings.stages}
        none="the strategy's own"
        onChange={(stage) => set({ ...value, stage })}
      />
      <Lines
        label="Reason"
        rows={2}
        value={value.reason}
        onChange={(reason) => set({ ...value, reason })}
      />
    </div>
  );
}

interface ReplyPartProps extends PartProps<ReplyFields> {
  label: string;
  hint: string;
  /** Whether it has a strategy of its own; else it has its plan's. */
  own?: boolean;
}

export function ReplyPart({ value, set, settings, label, hint, own }: ReplyPartProps) {
  return (
    <div className="fields">
      <Lines
        label={label}
        hint={hint}
        rows={5}
        value={value.text}
        onChange={(text) => set({ ...value, text })}
      />
      {own && (
        <Choice
          label="Its strategy"
          value={value.strategy}
          options={settings.strategies}
          none="none"
          onChange={(strategy) => set({ ...value, strategy })}
        />
      )}
    </div>
  );
}

export function ReflectionPart({ value, set, settings }: PartProps<ReflectionFields>) {
  const put = (part: Partial<ForkForm["reflection"]>) => set({ ...value, ...part });
  return (
    <div className="fields">
      <Choice
        label="Emotion"
        value={value.emotion}
        options={settings.emotions}
        onChange={(emotion) => put({ emotion })}
      />
      <Choice
        label="Intensity"
        value={value.intensity}
        options={INTENSITIES}
        onChange={(intensity) => put({ intensity })}
      />
      <Lines label="Who it is" rows={2} value={value.who} onChange={(who) => put({ who })} />
      <Lines
        label="Situation"
        rows={2}
        value={value.situation}
        onChange={(situation) => put({ situation })}
      />
      <Lines label="Needs, one a line" value={value.needs} onChange={(needs) => put({ needs })} />
      <Lines
        label="To avoid, one a line"
        value={value.avoid}
        onChange={(avoid) => put({ avoid })}
      />
    </div>
  );
}

interface SeedPartProps {
  value: string;
  set(value: string): void;
}

export function SeedPart({ value, set }: SeedPartProps) {
  return (
    <div className="fields">
      <Line
        label="Seed"
        numeric
        value={value}
        hint="With nothing else changed: how else it could have gone."
        onChange={set}
      />
    </div>
  );
}
