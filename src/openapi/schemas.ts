/**
 * The validation schemas as JSON Schema. Each has a name, so that documents reference it instead of repeating it.
 *
 * Response objects allow unknown fields: a client must not reject a field that a later version adds.
 */
import { z } from 'zod';
import { Analytics } from '#contract/analytics.ts';
import { CursorText } from '#contract/cursor-text.ts';
import { Readiness } from '#contract/health.ts';
import {
  ClinikoCredentials,
  KeyVerdict,
  Organization,
  OrganizationChange,
  OrganizationList,
  Schedule,
} from '#contract/organization.ts';
import { Overview, OverviewRow } from '#contract/overview.ts';
import {
  ConfirmedMissing,
  ListedPatient,
  MissingPatients,
  PatientList,
  PatientSummary,
  QuarantineList,
} from '#contract/patients.ts';
import { Pause, PauseRequest } from '#contract/pause.ts';
import { Problem } from '#contract/problem.ts';
import { Bye, ChangeEvent, Hello, Ping, SnapshotEvent, Timeline } from '#contract/stream-event.ts';
import {
  CompletenessProof,
  PerformanceMetrics,
  StartedSync,
  SyncLog,
  SyncLogList,
  SyncMetadata,
} from '#contract/sync-log.ts';
import {
  CreatedWebhook,
  NewWebhook,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryList,
  WebhookList,
  WebhookMessage,
} from '#contract/webhook.ts';

/** Schemas that get a name in the documents. Any other schema is written where it is used. */
const NAMED: Record<string, z.core.$ZodType> = {
  Analytics,
  Bye,
  ChangeEvent,
  ClinikoCredentials,
  CompletenessProof,
  ConfirmedMissing,
  CreatedWebhook,
  Cursor: CursorText,
  Hello,
  KeyVerdict,
  ListedPatient,
  MissingPatients,
  NewWebhook,
  Organization,
  OrganizationChange,
  OrganizationList,
  Overview,
  OverviewRow,
  PatientList,
  PatientSummary,
  Pause,
  PauseRequest,
  PerformanceMetrics,
  Ping,
  Problem,
  QuarantineList,
  Readiness,
  Schedule,
  SnapshotEvent,
  StartedSync,
  SyncLog,
  SyncLogList,
  SyncMetadata,
  Timeline,
  Webhook,
  WebhookDelivery,
  WebhookDeliveryList,
  WebhookList,
  WebhookMessage,
};

export type JsonSchema = Record<string, unknown>;
type Dialect = 'draft-2020-12' | 'draft-7';

const registry = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });

/** All named schemas, for `components.schemas`. */
export function componentSchemas(target: Dialect): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(registry, { ...settings(target), uri: reference });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, bare(schema)]));
}

/** A reference, when the schema has a name. */
export function schemaOf(schema: z.core.$ZodType, target: Dialect): JsonSchema {
  const id = registry.get(schema)?.id;
  return id === undefined ? bare(z.toJSONSchema(schema, settings(target))) : { $ref: reference(id) };
}

const reference = (id: string) => `#/components/schemas/${id}`;

const settings = (target: Dialect) => ({
  target,
  // Bodies have no defaults and no transformations, so both sides of a schema are one.
  io: 'input' as const,
  unrepresentable: 'any' as const,
  override: ({ jsonSchema }: { jsonSchema: { minimum?: number; maximum?: number } }) => {
    // That a number is one of JavaScript's is no fact about ours.
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  },
});

/** Within a document a schema has no address of its own. */
function bare(schema: object): JsonSchema {
  const { $schema: _dialect, $id: _address, ...rest } = schema as JsonSchema;
  return rest;
}
