/** A candidate of the fan-out: one server, driven by server-process.ts. */
import type { BenchEvent } from './events.ts';

/** The protocol of its clients: Server-Sent Events, WebSocket, or the NATS protocol within WebSocket. */
export type Dialect = 'sse' | 'websocket' | 'nats';

export interface Candidate {
  port: number;
  path: string;
  /** The serving process: its processor time counts. */
  pid: number;
  /** Sends the events of one event-loop iteration to every client. Resolves when the server has accepted them. */
  emit(events: readonly BenchEvent[]): Promise<void>;
  /** Stops an external program. */
  close?(): Promise<void>;
}
