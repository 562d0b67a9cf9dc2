/**
 * Sends an answer, either whole or changed by a fault.
 *
 * Hanging and slow answers also wait on the `closing` signal: closing the simulator never waits for a client.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, html, json, tooManyRequests } from './answer.ts';
import type { AppliedFault, Fault, SentBeforeHang, StatusBody } from './faults.ts';

export interface Delivery {
  response: ServerResponse;
  closing: AbortSignal;
  now: () => Date;
}

/** Sends the answer as the fault changes it. The answer is built only when it is needed. */
export async function deliver(
  delivery: Delivery,
  applied: AppliedFault | undefined,
  answer: () => Answer,
): Promise<void> {
  const { response, closing } = delivery;
  if (applied === undefined) return send(response, answer());
  const { fault, released } = applied;
  switch (fault.kind) {
    case 'slow':
      await pause(fault.ms, closing);
      return send(response, answer());
    case 'reset':
      if (fault.after === 'half') await sendHalf(response, answer());
      response.socket?.resetAndDestroy();
      return;
    case 'hang':
      return hang(response, answer, fault.after ?? 'nothing', released);
    default:
      return send(response, corrupt(fault, answer, delivery.now()));
  }
}

/** Resolves early, without an error, when the simulator closes. */
export async function pause(ms: number, closing: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal: closing }).catch(() => {});
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

async function hang(
  response: ServerResponse,
  answer: () => Answer,
  after: SentBeforeHang,
  released: Promise<void>,
): Promise<void> {
  if (after === 'nothing') {
    await released;
    return send(response, answer());
  }
  const whole = answer();
  const body = Buffer.from(whole.body);
  const said = after === 'half' ? Math.floor(body.length / 2) : 0;
  await sendFirst(response, whole, body, said);
  await released;
  response.end(body.subarray(said));
}

function sendHalf(response: ServerResponse, whole: Answer): Promise<void> {
  const body = Buffer.from(whole.body);
  return sendFirst(response, whole, body, Math.floor(body.length / 2));
}

/** Announces the whole body and sends only its beginning. Resolves once that is sent. */
function sendFirst(response: ServerResponse, whole: Answer, body: Buffer, bytes: number): Promise<void> {
  response.writeHead(whole.status, { ...whole.headers, 'content-length': body.length });
  response.flushHeaders();
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.write(body.subarray(0, bytes), () => resolve());
  });
}

type CorruptingFault = Exclude<Fault, { kind: 'slow' | 'reset' | 'hang' }>;

function corrupt(fault: CorruptingFault, answer: () => Answer, now: Date): Answer {
  switch (fault.kind) {
    case 'status':
      return statusAnswer(fault.status, fault.body ?? 'html');
    case 'rate-limited':
      return tooManyRequests(resetText(fault.reset ?? 1, now), fault.retryAfterSeconds);
    case 'redirect':
      return { status: 302, headers: { location: fault.to }, body: '' };
    case 'truncated': {
      const whole = answer();
      const body = Buffer.from(whole.body);
      return { ...whole, body: body.subarray(0, Math.floor(body.length / 2)) };
    }
    case 'html':
      return html(200, 'We will be back soon');
    case 'garbage':
      return json(200, fault.body === undefined ? { people: { of: ['another', 'shape'] } } : fault.body);
    case 'altered': {
      const whole = answer();
      return json(whole.status, fault.alter(JSON.parse(whole.body.toString())));
    }
    default:
      return fault satisfies never;
  }
}

function statusAnswer(status: number, body: StatusBody): Answer {
  switch (body) {
    case 'json':
      return json(status, { message: `Simulated answer ${status}` });
    case 'text':
      return {
        status,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: `Simulated ${status}\n`,
      };
    case 'html':
      return html(status, `Simulated ${status}`);
    case 'empty':
      return { status, headers: {}, body: '' };
    default:
      return body satisfies never;
  }
}

function resetText(reset: number | 'absent' | 'garbage', now: Date): string | undefined {
  if (reset === 'absent') return undefined;
  return reset === 'garbage' ? 'in a while' : `${Math.ceil(now.getTime() / 1000) + reset}`;
}
