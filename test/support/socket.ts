/** A WebSocket client of the ops console, and everything it was sent. */
import { onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ServerFrame } from '../../src/contract/socket-frame.ts';

const PATIENCE = { timeout: 20_000, interval: 5 };

export async function openSocket(server: { url: string }, query = '') {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/api/v1/cliniko/ws${query}`);
  onTestFinished(() => socket.terminate());
  const texts: string[] = [];
  const frames: ServerFrame[] = [];
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('message', (data) => {
    texts.push(String(data));
    frames.push(ServerFrame.parse(JSON.parse(String(data))));
  });
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  return {
    socket,
    texts,
    closed,
    frames: () => frames,
    send: (frame: unknown) => socket.send(JSON.stringify(frame)),
    close: () => socket.terminate(),
    until: (type: string, count = 1) =>
      vi.waitFor(() => {
        const found = frames.filter((frame) => frame.type === type);
        if (found.length < count) throw new Error(`${found.length} ${type}: ${texts.join('\n').slice(-800)}`);
        return found;
      }, PATIENCE),
  };
}
