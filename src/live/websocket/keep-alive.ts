/**
 * The keep-alive of one WebSocket: a protocol ping at each tick. A peer that did not answer the last ping is terminated, even
 * if its connection looks open.
 */
import type { WebSocket } from 'ws';
import type { HeartbeatEntry } from '../heartbeat-timer.ts';

export class KeepAlive implements HeartbeatEntry {
  readonly #socket: WebSocket;
  #alive = true;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', () => {
      this.#alive = true;
    });
  }

  onTick(): void {
    if (this.#alive) this.#socket.ping();
    else this.#socket.terminate();
    this.#alive = false;
  }
}
