/**
 * The port for spans: a name, attributes, and the work that is measured. Spans begun inside the work are its children.
 *
 * Without a collector nothing is measured and nothing is loaded (NO_TRACER); tracing/otlp.ts is the other adapter.
 */

/** Ids of runs and organizations, counts, fixed words. Never patient data, never a query string. */
type SpanFacts = Record<string, string | number | boolean>;

interface Span {
  note(facts: SpanFacts): void;
}

export interface Tracer {
  /** Passes on what `work` returns or throws. @param traceparent of the caller (W3C), as it was sent */
  span<T>(name: string, facts: SpanFacts, work: (span: Span) => Promise<T>, traceparent?: string): Promise<T>;
  /** Sends what is left. */
  close(): Promise<void>;
}

const IGNORED: Span = { note: () => {} };

export const NO_TRACER: Tracer = {
  span: (_name, _facts, work) => work(IGNORED),
  close: async () => {},
};
