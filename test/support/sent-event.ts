/** The text of Server-Sent Events and of the envelopes in them. */
import { z } from 'zod';

export interface SentEvent {
  id: string | undefined;
  event: string | undefined;
  data: string;
}

export function parseBlock(block: string): SentEvent | undefined {
  const fields = new Map(
    block.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const data = fields.get('data');
  return data === undefined ? undefined : { id: fields.get('id'), event: fields.get('event'), data };
}

const WithLog = z.object({ log: z.unknown() });

/** The text of `log` inside an envelope, byte for byte. */
export function logTextOf(data: string): string {
  WithLog.parse(JSON.parse(data));
  return data.slice(data.indexOf(',"log":') + ',"log":'.length, -1);
}
