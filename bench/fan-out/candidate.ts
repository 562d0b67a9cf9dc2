/** Who takes part in the fan-out: one server, as server-process.ts drives it. */
import type { BenchEvent } from './events.ts';

/** What its clients speak: Server-Sent Events, WebSocket, or the protocol of NATS within WebSocket. */
export type Dialect = 'sse' | 'websocket' | 'nats';

export interface Candidate {
  port: number;
  path: string;
  /** The process that serves: its processor time is what counts. */
  pid: number;
  /** Sends what happened in one loop turn to every client. Resolves when the server has taken it. */
  emit(events: readonly BenchEvent[]): Promise<void>;
  /** Ends what is a program of its own. */
  close?(): Promise<void>;
}
