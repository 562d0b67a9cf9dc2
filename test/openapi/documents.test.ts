/** The API descriptions: complete, valid by their specifications, and self-contained. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect } from 'vitest';
import { ClientFrame } from '#contract/client-frame.ts';
import { ServerFrame } from '#contract/socket-frame.ts';
import { Hello, SnapshotEvent, StreamEvent } from '#contract/stream-event.ts';
import { LEGACY_OPERATIONS } from '../../src/legacy/operations.ts';
import { asyncApiDocument } from '../../src/openapi/asyncapi.ts';
import { OPERATIONS as OWN_OPERATIONS, openApiDocument } from '../../src/openapi/document.ts';
import { createApp } from '../../src/server/app.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { asyncApiSchema } from './support/asyncapi-schema.ts';

const OPERATIONS = [...OWN_OPERATIONS, ...LEGACY_OPERATIONS];

/** Only the router: no handler is called, so the behaviour of the dependencies does not matter. */
function routes(): string[] {
  const known = { allowedOrigins: [], rowLevelSecurity: { restrictReads: () => () => {}, database: {} } };
  const deps: unknown = new Proxy(known, { get: (own, name) => Reflect.get(own, name) ?? (() => {}) });
  const app = createApp(deps as Parameters<typeof createApp>[0]);
  const own = app.routes.filter(({ method }) => method !== 'ALL');
  return [...new Set(own.map(({ method, path }) => `${method} ${path}`))].sort();
}

describe('/openapi.json', () => {
  test('describes every route of the router, and no other', () => {
    const described = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort();
    expect(described).toEqual(routes());
    expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
  });

  test('is valid OpenAPI 3.1, and every reference leads somewhere', async () => {
    const document = openApiDocument('1.0.0', LEGACY_OPERATIONS);
    const result = await new Validator().validate(structuredClone(document));
    expect(result).toMatchObject({ valid: true });
    expect(danglingReferences(document)).toEqual([]);
    const broken = await new Validator().validate({
      ...document,
      paths: { '/x': { get: { responses: 7 } } },
    });
    expect(broken.valid).toBe(false);
  });
});

describe('/asyncapi.json', () => {
  test('is valid AsyncAPI 3.0, and every reference leads somewhere', () => {
    // The schema of the specification brings the draft of JSON Schema along that it is written in.
    const ajv = new Ajv({ strict: false, logger: false, meta: false, validateSchema: false });
    addFormats.default(ajv);
    const validate = ajv.compile(asyncApiSchema());
    const document = asyncApiDocument('1.0.0');
    expect(validate(document) ? [] : validate.errors?.slice(0, 3)).toEqual([]);
    expect(danglingReferences(document)).toEqual([]);
    expect(validate({ ...document, operations: { x: { action: 'shout' } } })).toBe(false);
  });

  test('describes each event of a real stream', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const document = await (await fetch(`${server.url}/asyncapi.json`)).json();
    const ajv = new Ajv({ strict: false, logger: false });
    ajv.addSchema(document, 'asyncapi');
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const sent = await stream.until(hasEnded);

    const seen = new Set<string>();
    for (const { event = '', data } of sent) {
      const validate = ajv.getSchema(`asyncapi#/channels/events/messages/event-${event}/payload`);
      expect(validate?.(JSON.parse(data)), `${event}: ${JSON.stringify(validate?.errors)}`).toBe(true);
      seen.add(event);
    }
    expect([...seen]).toEqual(
      expect.arrayContaining(['hello', 'snapshot', 'started', 'progress', 'completed']),
    );
    expect(StreamEvent.def.options.length).toBe(2);
  });
});

describe('/docs', () => {
  test('shows every operation, event and schema, without a script or anything from elsewhere', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const response = await fetch(`${server.url}/docs`);
    const page = await response.text();
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    for (const { id } of OPERATIONS) expect(page, id).toContain(`<article id="${id}">`);
    for (const name of Object.keys(schemasOf(openApiDocument('1', LEGACY_OPERATIONS)))) {
      expect(page, name).toContain(`<article id="schema-${name}">`);
    }
    expect(page).toContain('/api/v1/cliniko/sync-logs/{orgId}/events');
    expect(page).not.toMatch(/<script|<style|style=|\son\w+=|undefined|\[object/);
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address = '']) => address);
    expect(addresses.filter((address) => !/^(?:#|\/)/.test(address))).toEqual([]);
    const anchors = addresses.filter((address) => address.startsWith('#'));
    expect(anchors.filter((anchor) => !page.includes(`id="${anchor.slice(1)}"`))).toEqual([]);
    const style = await fetch(`${server.url}/docs/docs.css`);
    expect(style.headers.get('content-type')).toContain('text/css');
    expect(await style.text()).not.toMatch(/url\(|@import/);
  });
});

describe('the examples of /docs', () => {
  test('are requests that the server answers and frames that the schemas accept', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const page = await (await fetch(`${server.url}/docs`)).text();
    const example = (name: string) =>
      (new RegExp(`data-example="${name}">([^<]*)`).exec(page)?.[1] ?? '')
        .replaceAll('&quot;', '"')
        .replaceAll('&#39;', "'")
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('https://sync.example.com', server.url);

    const commands = example('curl').split('\n');
    expect(commands).toHaveLength(4);
    for (const command of commands) {
      const url = /http\S+/.exec(command)?.[0] ?? '';
      const method = /-X (\w+)/.exec(command)?.[1] ?? 'GET';
      const body = /-d '(.*)'/.exec(command)?.[1] ?? null;
      const answer = await fetch(url, { method, body });
      expect(answer.status, command).toBe(200);
      await answer.body?.cancel();
    }
    const [hello, snapshot] = [...example('stream').matchAll(/^data: (.*)$/gm)].map(([, data = '']) =>
      JSON.parse(data),
    );
    expect(Hello.parse(hello)).toEqual(hello);
    expect(SnapshotEvent.parse(snapshot)).toEqual(snapshot);
    const frames = [...example('socket').matchAll(/^([<>]) (.*)$/gm)];
    expect(frames.map(([, direction]) => direction)).toEqual(['>', '<', '<']);
    for (const [, direction, text = ''] of frames) {
      const schema = direction === '>' ? ClientFrame : ServerFrame;
      expect(schema.safeParse(JSON.parse(text)), text).toMatchObject({ success: true });
    }
    const script = /src="([^"]*)"/.exec(example('tag'))?.[1] ?? '';
    expect((await fetch(script)).status).toBe(200);
  });
});

function schemasOf(document: Record<string, unknown>): Record<string, unknown> {
  return (document.components as { schemas: Record<string, unknown> }).schemas;
}

/** References within a document that lead nowhere. */
function danglingReferences(document: object): string[] {
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference);
  expect(references.length).toBeGreaterThan(10);
  return references.filter((reference) => {
    const keys = reference.replace(/^#\//, '').split('/');
    const found = keys.reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
      document,
    );
    return found === undefined;
  });
}
