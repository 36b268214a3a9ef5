// Intensity over turns and the strategies below it; leads to the turn.
import { memo, useMemo, useState } from "react";
import { go, to } from "../address";
import { across, Feet, Line, ValueTable } from "../parts/LinePlot";
import { useWidth } from "../parts/useWidth";
import type { TurnView } from "../records";
import { shortStrategy, STRATEGIES } from "../words";

interface Props {
  run: string;
  index: number;
  turns: readonly TurnView[];
}

interface Moment {
  number: number;
  emotion: string | null;
  intensity: number | null;
  strategy: string | null;
  crisis: boolean;
}

const LEFT = 92;
const TOP = 10;
const STEP = 17;
const PLOT = 4 * STEP;
const LANE = 15;

export const Timeline = memo(function Timeline({ run, index, turns }: Props) {
  const moments = useMemo(() => turns.map(moment), [turns]);
  if (moments.length === 0) return null;
  return (
    <section className="panel stack timeline-panel">
      <h2>Intensity and strategies</h2>
      <Plot moments={moments} open={(number) => go(to.dialogue(run, index, number))} />
      <ValueTable
        label="Intensity of the seeker's emotion and the supporter's strategy, by turn"
        columns={["Turn", "Emotion", "Intensity", "Strategy"]}
        rows={moments.map((m) => [m.number, m.emotion ?? "", m.intensity ?? "", m.strategy ?? ""])}
      />
    </section>
  );
});

function moment({ turn }: TurnView): Moment {
  const reply = turn.spoken === null ? null : turn[turn.spoken];
  return {
    number: turn.number,
    emotion: turn.seeker.emotion,
    intensity: turn.seeker.intensity,
    strategy: reply === null ? null : (reply.strategy ?? turn.plan?.strategy ?? null),
    crisis: turn.guard.crisis,
  };
}

function inWords(m: Moment): string {
  const felt = [m.emotion, m.intensity].filter((part) => part !== null).join(" ");
  const parts = [felt, m.strategy, m.crisis ? "crisis" : null].filter(Boolean);
  return `Turn ${m.number}${parts.length ? `: ${parts.join(", ")}` : ""}`;
}

interface PlotProps {
  moments: readonly Moment[];
  open: (number: number) => void;
}

function Plot({ moments, open }: PlotProps) {
  const [ref, width] = useWidth<HTMLDivElement>(320);
  const [at, setAt] = useState<number | null>(null);
  const last = moments.length - 1;
  const place = Math.min(at ?? 0, last);
  const current = moments[place]!;
  const crises = moments.some((m) => m.crisis);
  const nearest = (event: React.MouseEvent) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    const [first, end] = [across(0, moments.length, width, LEFT), across(last, moments.length, width, LEFT)];
    return last === 0 ? 0 : Math.round(Math.min(1, Math.max(0, (x - first) / (end - first))) * last);
  };
  const pressed = (event: React.KeyboardEvent) => {
    const next = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: last }[event.key];
    if (next !== undefined) setAt(Math.min(last, Math.max(0, next)));
    else if (event.key === "Enter") open(current.number);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div
        ref={ref}
        className="plot timeline"
        role="slider"
        tabIndex={0}
        aria-label="Intensity and strategies by turn; Enter goes to the turn"
        aria-valuemin={1}
        aria-valuemax={moments[last]!.number}
        aria-valuenow={current.number}
        aria-valuetext={inWords(current)}
        onKeyDown={pressed}
        onFocus={() => setAt(place)}
        onMouseMove={(event) => setAt(nearest(event))}
        onMouseLeave={() => setAt(null)}
        onBlur={() => setAt(null)}
        onClick={(event) => open(moments[nearest(event)]!.number)}
      >
        <Drawing moments={moments} width={width} at={at === null ? null : place} />
      </div>
      <p className="small quiet" aria-hidden="true">
        {at === null ? `Click a turn to go to it.${crises ? " ▲ crisis" : ""}` : inWords(current)}
      </p>
    </>
  );
}

interface DrawingProps {
  moments: readonly Moment[];
  width: number;
  at: number | null;
}

/** Leaves out what nobody knows: a recording's intensities, the strategies of a lone responder. */
function Drawing({ moments, width, at }: DrawingProps) {
  const n = moments.length;
  const x = (place: number) => across(place, n, width, LEFT);
  const felt = moments.some((m) => m.intensity !== null);
  const planned = moments.some((m) => m.strategy !== null);
  const lanesAt = felt ? TOP + PLOT + 22 : TOP + 12;
  const height = lanesAt + (planned ? STRATEGIES.length * LANE : 0) + 14;
  return (
    <svg width={width} height={height} aria-hidden="true">
      {felt && <Intensities moments={moments} x={x} width={width} />}
      {at !== null && (
        <line className="plot-cursor" x1={x(at)} x2={x(at)} y1={0} y2={height - 16} />
      )}
      <g transform={`translate(0 ${lanesAt})`}>
        {planned && <Lanes moments={moments} x={x} width={width} />}
        {moments.map((m, place) => m.crisis && <Crisis key={place} x={x(place)} />)}
      </g>
      <Feet numbers={moments.map((m) => m.number)} x={x} y={height - 3} />
    </svg>
  );
}

interface PartProps {
  moments: readonly Moment[];
  x: (place: number) => number;
  width: number;
}

function Intensities({ moments, x, width }: PartProps) {
  const y = (value: number) => TOP + (5 - value) * STEP;
  return (
    <>
      {[1, 2, 3, 4, 5].map((level) => (
        <Level key={level} y={y(level)} width={width}>
          {level === 5 ? "strong 5" : level === 1 ? "weak 1" : String(level)}
        </Level>
      ))}
      <Line
        values={moments.map((m) => m.intensity)}
        x={x}
        y={y}
        dots={(width - LEFT) / moments.length > 7}
      />
    </>
  );
}

function Lanes({ moments, x, width }: PartProps) {
  const mark = Math.min(9, Math.max(1.5, (width - LEFT) / moments.length - 1.5));
  return (
    <>
      {STRATEGIES.map((strategy, lane) => (
        <Level key={strategy} y={lane * LANE} width={width}>
          {shortStrategy(strategy)}
        </Level>
      ))}
      {moments.map((m, place) => {
        const lane = m.strategy === null ? -1 : STRATEGIES.indexOf(m.strategy);
        if (lane < 0 || m.crisis) return null;
        const corner = { x: x(place) - mark / 2, y: lane * LANE - 4.5, width: mark, height: 9 };
        return <rect key={place} className="plot-mark" rx={2} {...corner} />;
      })}
    </>
  );
}

function Level({ y, width, children }: { y: number; width: number; children: string }) {
  return (
    <g>
      <line className="plot-grid" x1={LEFT} x2={width} y1={y} y2={y} />
      <text x={LEFT - 6} y={y + 4} textAnchor="end">
        {children}
      </text>
    </g>
  );
}

function Crisis({ x }: { x: number }) {
  return (
    <text className="plot-crisis" x={x} y={-8} textAnchor="middle">
      ▲
    </text>
  );
}
