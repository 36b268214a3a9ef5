// Asks the server for records; in a file on disk, takes them from the page itself.
import type { Refusal } from "./records";

/** Why a record did not come; `status` is 0 where nobody answered. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Refused";
    this.status = status;
  }
}

/** What a report carries: records by address; null where a server is asked. */
const carried: ReadonlyMap<string, unknown> | null = read(document.getElementById("embedded"));

/** Whether this page is a file on disk: nothing can be changed, searched or followed there. */
export const isFile = carried !== null;

/** Whether a report carries the record of an address; always true where a server is asked. */
export function has(path: string): boolean {
  return carried === null || carried.has(path);
}

/** The record at an address as `records.py` writes them: `api/runs/0/dialogues/3`. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  if (carried === null) return (await ask(path, { signal })) as T;
  if (carried.has(path)) return carried.get(path) as T;
  throw new Refused(404, "This file holds a sample of its run; that part is not in it.");
}

/** Sends a record, and returns the one that answers it. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  if (carried !== null) throw new Refused(409, "A file on disk cannot change a run.");
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })) as T;
}

async function ask(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused(0, "The server does not answer. Start `attune view` again and open its link.");
  }
  const text = await response.text();
  if (!response.ok) throw new Refused(response.status, reason(text, response.status));
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(response.status, "The server's answer is not readable.");
  }
}

function reason(text: string, status: number): string {
  try {
    const said = (JSON.parse(text) as Partial<Refusal>).error;
    if (said) return said;
  } catch {
    // Not a record: the gate refuses in plain text.
  }
  return text.trim().slice(0, 500) || `The server answered with status ${status}.`;
}

function read(element: HTMLElement | null): ReadonlyMap<string, unknown> | null {
  if (element === null) return null;
  return new Map(Object.entries(JSON.parse(element.textContent ?? "{}") as object));
}

/** `path?a=1&b=2` of what is neither empty nor undefined. */
export function withQuery(
  path: string,
  query: Record<string, string | number | boolean | undefined | null>,
): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "" || value === false) continue;
    params.set(name, value === true ? "1" : String(value));
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}
