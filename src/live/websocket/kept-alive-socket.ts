/**
 * A WebSocket that sends a protocol ping at each tick. A peer that did not answer the last ping is terminated, even if its
 * connection looks open.
 *
 * It passes its events to its owner, and to no listener: the table and the closures of listeners would be a good part of the
 * memory of an idle socket.
 */
import { WebSocket } from 'ws';
import type { HeartbeatEntry } from '../heartbeat-timer.ts';

/** Gets the events of a socket. */
export interface SocketOwner {
  onMessage(text: string, isBinary: boolean): void;
  onClose(): void;
}

export class KeptAliveSocket extends WebSocket implements HeartbeatEntry {
  #owner: SocketOwner | undefined;
  #isAlive = true;

  /** From now on the owner gets the events. */
  serve(owner: SocketOwner): void {
    this.#owner = owner;
  }

  onTick(): void {
    if (this.#isAlive) this.ping();
    else this.terminate();
    this.#isAlive = false;
  }

  /** `ws` calls this for each event of the socket. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message') this.#owner?.onMessage(String(args[0]), args[1] === true);
    else if (event === 'pong') this.#isAlive = true;
    else if (event === 'close') this.#owner?.onClose();
    else if (event === 'error') this.terminate();
    return true;
  }
}
