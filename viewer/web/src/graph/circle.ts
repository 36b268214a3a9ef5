// Where the strategy network's nodes stand on an ellipse, and how its edges bend.
import type { Spot } from "./geometry";

const ACROSS = 240;
const DOWN = 215;
const SMALLEST = 16;
const LARGEST = 44;
const HEAD = 10;

/** The middle of the i-th of n nodes; the first at the top, then clockwise. */
export function onCircle(i: number, n: number): Spot {
  const angle = (2 * Math.PI * i) / n - Math.PI / 2;
  return { x: ACROSS * Math.cos(angle), y: DOWN * Math.sin(angle) };
}

/** A node's radius: its area grows with its use. */
export function radiusOf(times: number, most: number): number {
  return SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(most ? times / most : 0);
}

export interface Disc extends Spot {
  radius: number;
}

export interface Curve {
  line: string;
  head: string;
}

/** From one disc to another, bent to the right, so that there and back lie apart. */
export function curve(from: Disc, to: Disc, width: number): Curve {
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const across = { x: -(to.y - from.y), y: to.x - from.x };
  const bend = { x: middle.x + across.x * 0.16, y: middle.y + across.y * 0.16 };
  const start = toward(from, bend, from.radius);
  const tip = toward(to, bend, to.radius + 2);
  const end = toward(tip, bend, HEAD * 0.8);
  return { line: `M${at(start)}Q${at(bend)} ${at(end)}`, head: arrow(bend, tip, width) };
}

/** What the drawing needs: discs, loops at the sides, names above and below. */
export const BOUNDS = { x: -350, y: -290, width: 700, height: 580 };

/** From a disc back to itself; at its outer side, turned away from the name above or below it. */
export function loop(disc: Disc, width: number): Curve {
  const tilt = Math.sign(Math.round(disc.y)) * -0.2;
  const out = Math.round(disc.x) < 0 ? Math.PI - tilt : tilt;
  const ray = (angle: number, length: number) => ({
    x: disc.x + length * Math.cos(angle),
    y: disc.y + length * Math.sin(angle),
  });
  const start = ray(out - 0.5, disc.radius);
  const [left, right] = [ray(out - 0.55, disc.radius + 52), ray(out + 0.55, disc.radius + 52)];
  const tip = ray(out + 0.5, disc.radius + 2);
  const end = toward(tip, right, HEAD * 0.8);
  return {
    line: `M${at(start)}C${at(left)} ${at(right)} ${at(end)}`,
    head: arrow(right, tip, width),
  };
}

function arrow(from: Spot, tip: Spot, width: number): string {
  const back = toward(tip, from, HEAD);
  const half = 3.5 + width * 0.6;
  const length = Math.hypot(tip.x - back.x, tip.y - back.y) || 1;
  const x = ((tip.x - back.x) / length) * half;
  const y = ((tip.y - back.y) / length) * half;
  return `M${at(tip)}L${at({ x: back.x - y, y: back.y + x })}L${at({ x: back.x + y, y: back.y - x })}Z`;
}

function toward(from: Spot, to: Spot, length: number): Spot {
  const whole = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return {
    x: from.x + ((to.x - from.x) * length) / whole,
    y: from.y + ((to.y - from.y) * length) / whole,
  };
}

function at({ x, y }: Spot): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}
