/** Traces, as a real collector receives them: OTLP over HTTP, in JSON. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config/config.ts';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { hasEnded, openStream } from '../support/stream.ts';

const Value = z
  .object({ stringValue: z.string(), intValue: z.coerce.number(), boolValue: z.boolean() })
  .partial();
const Attributes = z.array(z.object({ key: z.string(), value: Value }));
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  attributes: Attributes,
});
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(Span) })),
    }),
  ),
});

async function startCollector() {
  const exports: z.infer<typeof Export>[] = [];
  const paths = new Set<string>();
  const server = createServer(async (request, response) => {
    paths.add(`${request.method} ${request.url}`);
    exports.push(Export.parse(await json(request)));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths,
    text: () => JSON.stringify(exports),
    resources: () => exports.flatMap((one) => one.resourceSpans.map(({ resource }) => resource)),
    spans: () =>
      exports.flatMap(({ resourceSpans }) =>
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      ),
  };
}

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('a server with a collector', () => {
  test('has spans of requests, runs, pages and batches, each within its parent', async ({ databaseUrl }) => {
    const collector = await startCollector();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { tracing } = readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, [], false);
    const server = await startTestServer(databaseUrl, { patients: 120, config: { tracing } });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    await server.api('/cliniko/sync-all/123?token=canary', {
      method: 'POST',
      headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` },
    });
    await stream.until(hasEnded);
    await server.stop();

    expect([...collector.paths]).toEqual(['POST /v1/traces']);
    const spans = collector.spans();
    const named = (name: string) => spans.filter((span) => span.name === name);
    const [run] = named('run full_patients');
    expect(run?.attributes).toContainEqual({ key: 'organization_id', value: { intValue: 123 } });
    expect(named('fetch page').map(({ parentSpanId }) => parentSpanId)).toContain(run?.spanId);
    expect(named('store batch').length).toBeGreaterThan(2);
    expect(new Set(named('store batch').map(({ parentSpanId }) => parentSpanId))).toEqual(
      new Set([run?.spanId]),
    );
    const start = named('POST').find(({ traceId }) => traceId === TRACE);
    expect(start?.attributes).toContainEqual({
      key: 'http.route',
      value: { stringValue: '/api/v1/cliniko/sync-all/:orgId' },
    });
    expect(collector.resources()[0]?.attributes).toContainEqual({
      key: 'service.name',
      value: { stringValue: 'patient-sync' },
    });
    expect(collector.text()).not.toContain('canary');
    expect(collector.text()).not.toContain(server.cliniko.apiKey);
    expect(collector.text()).not.toContain('@');
  });

  test('that does not answer serves all the same, and ends in time', async ({ databaseUrl }) => {
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:1');
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await startTestServer(databaseUrl, { config: { tracing: { serviceName: 'x' } } });
    expect((await server.api('/organizations')).status).toBe(200);
    const began = performance.now();
    await server.stop();
    // An export waits up to 10 s for its collector.
    expect(performance.now() - began).toBeLessThan(9_000);
  });
});

describe('the variables of OpenTelemetry', () => {
  test('turn traces on and off', () => {
    const tracing = (environment: Record<string, string>) => readConfig(environment, [], false).tracing;
    const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(tracing({})).toBeUndefined();
    expect(tracing(collector)).toEqual({ serviceName: 'patient-sync' });
    expect(tracing({ ...collector, OTEL_SERVICE_NAME: 'clinics' })).toEqual({ serviceName: 'clinics' });
    expect(tracing({ ...collector, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(() => tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' })).toThrow(
      /OTEL_EXPORTER_OTLP_ENDPOINT/,
    );
  });
});
