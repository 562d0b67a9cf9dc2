/** `/asyncapi.json`: AsyncAPI 3.0 of the streams, generated from the schemas that clients and server parse with. */
import type { z } from 'zod';
import { ClientFrame } from '#contract/client-frame.ts';
import { PatientChangeEvent } from '#contract/patient-change.ts';
import { MAX_SOCKET_FRAME_BYTES, ServerFrame, SUBPROTOCOL } from '#contract/socket-frame.ts';
import { Bye, ChangeEvent, ChangeType, Hello, Ping, SnapshotEvent } from '#contract/stream-event.ts';
import { componentSchemas, type JsonSchema, schemaOf } from './schemas.ts';

/** The schema format that AsyncAPI assumes by default. */
const DIALECT = 'draft-7';

/** On an SSE stream, by the name in `event:`. */
const STREAM_MESSAGES: Record<string, z.core.$ZodType> = {
  hello: Hello,
  snapshot: SnapshotEvent,
  ...Object.fromEntries(ChangeType.options.map((type) => [type, ChangeEvent])),
  ping: Ping,
  bye: Bye,
};

/** On the stream of patient changes. */
const CHANGE_MESSAGES: Record<string, z.core.$ZodType> = {
  hello: Hello,
  change: PatientChangeEvent,
  ping: Ping,
  bye: Bye,
};

export function asyncApiDocument(version: string, basePath = ''): JsonSchema {
  const serverFrames = { ...framesOf(ServerFrame.def.options), change: PatientChangeEvent };
  const clientFrames = framesOf(ClientFrame.def.options);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Patient Sync, live',
      version,
      description:
        'All changes of the syncs of an organization, in order and without a gap, resumable by cursor. The rest of the API is described in /openapi.json.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: {
      events: {
        address: `${basePath}/api/v1/cliniko/sync-logs/{orgId}/events`,
        title: 'Server-Sent Events of one organization',
        description:
          'Resume with `Last-Event-ID` or `?since=`: exactly what was missed follows, or a snapshot and the reason.',
        parameters: { orgId: { description: 'The organization.' } },
        messages: messagesOf('event', STREAM_MESSAGES),
        bindings: { http: { bindingVersion: '0.3.0' } },
      },
      changes: {
        address: `${basePath}/api/v1/cliniko/patients/{orgId}/changes/stream`,
        title: 'Changes of the patients of one organization (Server-Sent Events)',
        description:
          'Ids only. Resume with `Last-Event-ID` or `?since=`: exactly what was missed follows, or `hello` has the reason, and the client starts over with `since=all`.',
        parameters: { orgId: { description: 'The organization.' } },
        messages: messagesOf('change', CHANGE_MESSAGES),
        bindings: { http: { bindingVersion: '0.3.0' } },
      },
      socket: {
        address: `${basePath}/api/v1/cliniko/ws`,
        title: 'WebSocket of many organizations',
        description: `JSON text frames, at most ${MAX_SOCKET_FRAME_BYTES} bytes to the server. Subprotocol: ${SUBPROTOCOL} (optional).`,
        messages: { ...messagesOf('server', serverFrames), ...messagesOf('client', clientFrames) },
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
      },
    },
    operations: {
      sendEvents: operation('send', 'events', 'event', STREAM_MESSAGES),
      sendChanges: operation('send', 'changes', 'change', CHANGE_MESSAGES),
      sendFrames: operation('send', 'socket', 'server', serverFrames),
      receiveFrames: operation('receive', 'socket', 'client', clientFrames),
    },
    components: { schemas: componentSchemas(DIALECT) },
  };
}

/** By the words that their `type` may be. */
function framesOf(options: readonly z.core.$ZodObject[]): Record<string, z.core.$ZodType> {
  const frames: Record<string, z.core.$ZodType> = {};
  for (const option of options) {
    for (const word of option._zod.propValues?.type ?? []) frames[String(word)] = option;
  }
  return frames;
}

const messageId = (from: string, name: string) => `${from}-${name}`;

function messagesOf(from: string, messages: Record<string, z.core.$ZodType>): JsonSchema {
  return Object.fromEntries(
    Object.entries(messages).map(([name, of]) => [
      messageId(from, name),
      { name, title: name, contentType: 'application/json', payload: schemaOf(of, DIALECT) },
    ]),
  );
}

function operation(
  action: 'send' | 'receive',
  channel: string,
  from: string,
  messages: Record<string, z.core.$ZodType>,
): JsonSchema {
  return {
    action,
    channel: { $ref: `#/channels/${channel}` },
    messages: Object.keys(messages).map((name) => ({
      $ref: `#/channels/${channel}/messages/${messageId(from, name)}`,
    })),
  };
}
