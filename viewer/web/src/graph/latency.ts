// Milliseconds of model calls, from the embedded model's to a slow server's.
import { duration } from "../words";

/** `0.02 ms`: finer than elsewhere, as the embedded model answers at once. */
export function latency(ms: number | null): string {
  return ms !== null && ms < 1 ? `${ms.toFixed(2)} ms` : duration(ms);
}
