/** A connection for raw bytes: for client behaviour that no library offers. */
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, vi } from 'vitest';

export interface RawConnection {
  socket: Socket;
  /**
   * Waits until this text has arrived.
   * @returns all text received so far
   */
  until(part: string): Promise<string>;
  /** As `until`, or until the connection closes. */
  untilOrClosed(part: string): Promise<string>;
}

/** @param opening the first bytes to send */
export function openRaw(url: string, opening: string): RawConnection {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (piece) => (text += piece.toString('latin1'))).on('error', () => {});
  socket.write(opening);
  const limits = { timeout: 5_000, interval: 20 };
  return {
    socket,
    async until(part) {
      await vi.waitFor(() => expect(text).toContain(part), limits);
      return text;
    },
    async untilOrClosed(part) {
      await vi.waitFor(() => expect(socket.closed || text.includes(part), text).toBe(true), limits);
      return text;
    },
  };
}
