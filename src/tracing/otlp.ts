/**
 * Traces to an OpenTelemetry collector, over OTLP/HTTP. Loaded only when OTEL_EXPORTER_OTLP_ENDPOINT is set.
 *
 * Where they go, with which headers, how many are sampled and under which name is read from the standard variables by
 * the OpenTelemetry packages themselves (OTEL_EXPORTER_OTLP_*, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME …). Spans nest by
 * the asynchronous call that they were begun in, also through generators.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { safeError } from '../logging/safe-error.ts';
import type { Tracer } from '../logging/tracer.ts';
import { withTimeout } from '../timing/with-timeout.ts';

export function openOtlpTracer(serviceName: string): Tracer {
  const resource = defaultResource().merge(resourceFromAttributes({ 'service.name': serviceName }));
  const provider = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  const tracer = provider.getTracer('patient-sync');
  const contexts = new AsyncLocalStorage<Context>();
  return {
    async span(name, facts, work, traceparent) {
      const parent = contexts.getStore() ?? contextOf(traceparent);
      const span = tracer.startSpan(name, { attributes: facts }, parent);
      const note = { note: (more: typeof facts) => void span.setAttributes(more) };
      try {
        return await contexts.run(trace.setSpan(parent, span), () => work(note));
      } catch (error) {
        markFailed(span, error);
        throw error;
      } finally {
        span.end();
      }
    },
    // An unavailable collector must not delay the shutdown.
    close: () => withTimeout(1_000, provider.shutdown(), () => undefined).catch(() => {}),
  };
}

/** An error message may hold patient data: only the error's name and SQLSTATE are sent. */
function markFailed(span: OtelSpan, error: unknown): void {
  const { error: name, sqlstate } = safeError(error);
  span.setStatus({ code: SpanStatusCode.ERROR, message: name });
  span.setAttributes({ 'error.type': sqlstate ?? name });
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

function contextOf(traceparent: string | undefined): Context {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags ?? '0', 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
