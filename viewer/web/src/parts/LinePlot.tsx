// A small line plot over turns, with its values as a table for those who do not see it.
import { decimal, NONE } from "../words";
import "./plot.css";
import { useWidth } from "./useWidth";

export interface LinePlotProps {
  /** What it shows, for screen readers. */
  label: string;
  /** A value a turn; null where there is none. */
  values: readonly (number | null)[];
  /** Another line over the same turns; then both have names. */
  second?: { values: readonly (number | null)[]; names: readonly [string, string] };
  /** Numbers of the turns; else 1, 2, … */
  numbers?: readonly number[];
  low?: number;
  high?: number;
  height?: number;
  places?: number;
}

const LEFT = 18;
const EDGE = 10;
const FOOT = 18;

/** Where the turn at `place` of `n` stands, in pixels of a plot that is `width` wide. */
export const across = (place: number, n: number, width: number, left = LEFT): number =>
  n < 2 ? (left + width - EDGE) / 2 : left + EDGE + (place / (n - 1)) * (width - left - 2 * EDGE);

export function LinePlot(props: LinePlotProps) {
  const { label, values, second, low = 1, high = 5, height = 116, places = 1 } = props;
  const numbers = props.numbers ?? values.map((_, place) => place + 1);
  const [ref, width] = useWidth<HTMLDivElement>(300);
  const y = (value: number) => EDGE + ((high - value) / (high - low)) * (height - FOOT - 2 * EDGE);
  const x = (place: number) => across(place, values.length, width);
  const dots = width / values.length > 9;
  const lines = second ? [values, second.values] : [values];
  return (
    <div ref={ref} className="plot">
      <svg width={width} height={height} role="img" aria-label={label}>
        <Scale low={low} high={high} y={y} width={width} />
        <Line values={values} x={x} y={y} dots={dots} />
        {second && <Line values={second.values} x={x} y={y} dots={dots} second />}
        <Feet numbers={numbers} x={x} y={height - 3} />
      </svg>
      {second && <Legend names={second.names} />}
      <ValueTable
        label={label}
        columns={["Turn", ...(second?.names ?? ["Value"])]}
        rows={numbers.map((number, place) => [
          number,
          ...lines.map((line) => decimal(line[place], places)),
        ])}
      />
    </div>
  );
}

/** The second line is dashed and has squares. */
function Legend({ names }: { names: readonly [string, string] }) {
  return (
    <p className="plot-legend">
      {names.map((name, place) => (
        <span key={name}>
          <svg width="34" height="10" aria-hidden="true">
            <Line values={[0, 0]} x={(at) => 5 + 24 * at} y={() => 5} dots second={place === 1} />
          </svg>{" "}
          {name}
        </span>
      ))}
    </p>
  );
}

interface ScaleProps {
  low: number;
  high: number;
  y: (value: number) => number;
  width: number;
}

export function Scale({ low, high, y, width }: ScaleProps) {
  const steps = Array.from({ length: high - low + 1 }, (_, step) => low + step);
  return (
    <g aria-hidden="true">
      {steps.map((step) => (
        <g key={step}>
          <line className="plot-grid" x1={LEFT} x2={width} y1={y(step)} y2={y(step)} />
          {(step === low || step === high) && (
            <text x={LEFT - 6} y={y(step) + 4} textAnchor="end">
              {step}
            </text>
          )}
        </g>
      ))}
    </g>
  );
}

interface LineProps {
  values: readonly (number | null)[];
  x: (place: number) => number;
  y: (value: number) => number;
  dots: boolean;
  /** Dashed, with squares. */
  second?: boolean;
}

/** A line that breaks where a value is missing; lone values stay as dots. */
export function Line({ values, x, y, dots, second = false }: LineProps) {
  let path = "";
  values.forEach((value, place) => {
    if (value === null) return;
    const before = place > 0 ? values[place - 1] : null;
    path += `${before == null ? "M" : "L"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  return (
    <g aria-hidden="true" className={second ? "is-second" : undefined}>
      <path className="plot-line" d={path} />
      {values.map((value, place) =>
        value !== null && (dots || isAlone(values, place)) ? (
          <Dot key={place} x={x(place)} y={y(value)} square={second} />
        ) : null,
      )}
    </g>
  );
}

/** A square is hollow: a disc of the other line is seen through it. */
function Dot({ x, y, square }: { x: number; y: number; square: boolean }) {
  if (!square) return <circle className="plot-dot" cx={x} cy={y} r={3} />;
  return <rect className="plot-dot" x={x - 4} y={y - 4} width={8} height={8} />;
}

const isAlone = (values: readonly (number | null)[], place: number) =>
  (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null;

interface FeetProps {
  numbers: readonly number[];
  x: (place: number) => number;
  y: number;
}

/** Turn numbers below a plot, as many as have room. */
export function Feet({ numbers, x, y }: FeetProps) {
  const last = numbers.length - 1;
  const wide = 12 + 7 * String(numbers[last] ?? 1).length; // of the longest number, with its gap
  const room = Math.max(1, Math.ceil((last * wide) / Math.max(1, x(last) - x(0))));
  return (
    <g aria-hidden="true">
      {numbers.map((number, place) =>
        place % room === 0 ? (
          <text key={number} x={x(place)} y={y} textAnchor="middle">
            {number}
          </text>
        ) : null,
      )}
    </g>
  );
}

interface TableProps {
  label: string;
  columns?: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/** What a plot shows, in words. */
export function ValueTable({ label, columns = ["Turn", "Value"], rows }: TableProps) {
  return (
    <div className="hidden-visually">
      <table>
        <caption>{label}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, place) => (
            <tr key={place}>
              {row.map((cell, column) => (
                <td key={column}>{cell === "" ? NONE : cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
