/** A WebSocket client of the ops console, and all messages that it received. */
import { onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { PatientChangeEvent } from '#contract/patient-change.ts';
import { ServerFrame } from '#contract/socket-frame.ts';

const PATIENCE = { timeout: 20_000, interval: 20 };

export interface Handshake {
  headers?: Record<string, string>;
  protocols?: string[];
}

/** Waits until the socket is open. */
export async function openSocket(server: { url: string }, query = '', handshake: Handshake = {}) {
  const client = startSocket(server, query, handshake);
  const { socket } = client;
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
  return client;
}

/** A requested socket, whether it opens or not. */
export function startSocket(server: { url: string }, query = '', { headers, protocols }: Handshake = {}) {
  const address = `${server.url.replace('http', 'ws')}/api/v1/cliniko/ws${query}`;
  const socket = new WebSocket(address, protocols ?? [], { headers });
  onTestFinished(() => socket.terminate());
  const texts: string[] = [];
  const frames: ServerFrame[] = [];
  const changes: PatientChangeEvent[] = [];
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve);
    // A rejected handshake has a status instead of a code.
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => {});
  });
  socket.on('message', (data) => {
    texts.push(String(data));
    const change = PatientChangeEvent.safeParse(JSON.parse(String(data)));
    if (change.success) changes.push(change.data);
    else frames.push(ServerFrame.parse(JSON.parse(String(data))));
  });
  return {
    socket,
    texts,
    /** The close code, or the status of a rejected handshake. */
    closed,
    frames: () => frames,
    /** Of patients. */
    changes: () => changes,
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
