/**
 * The validation schemas as JSON Schema. Each has a name, so that documents reference it instead of repeating it.
 *
 * Response objects allow unknown fields: a client must not reject a field that a later version adds.
 */
import { z } from 'zod';
import { Analytics } from '#contract/analytics.ts';
import { BulkOperation, CreatedOperation, OperationRequest } from '#contract/bulk-operation.ts';
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
import { Overview, OverviewRow, RecentRuns } from '#contract/overview.ts';
import { PatientChange, PatientChangeEvent, PatientChanges } from '#contract/patient-change.ts';
import {
  ConfirmedMissing,
  ListedPatient,
  MissingPatients,
  PatientList,
  PatientSummary,
  QuarantineList,
  ReleasedHeld,
} from '#contract/patients.ts';
import { PatientsToCheck, PatientsToCheckPage, PatientToCheck } from '#contract/patients-to-check.ts';
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
import {
  CreatedWebhookEndpoint,
  NewWebhookEndpoint,
  QuietHours,
  WebhookEndpoint,
  WebhookEndpointChange,
  WebhookEndpointList,
} from '#contract/webhook-endpoint.ts';

/** Schemas that get a name in the documents. Any other schema is written where it is used. */
const NAMED: Record<string, z.core.$ZodType> = {
  Analytics,
  BulkOperation,
  Bye,
  ChangeEvent,
  ClinikoCredentials,
  CompletenessProof,
  ConfirmedMissing,
  CreatedOperation,
  CreatedWebhook,
  CreatedWebhookEndpoint,
  Cursor: CursorText,
  Hello,
  KeyVerdict,
  ListedPatient,
  MissingPatients,
  NewWebhook,
  NewWebhookEndpoint,
  OperationRequest,
  Organization,
  OrganizationChange,
  OrganizationList,
  Overview,
  RecentRuns,
  OverviewRow,
  PatientChange,
  PatientChangeEvent,
  PatientChanges,
  PatientList,
  PatientsToCheck,
  PatientsToCheckPage,
  PatientSummary,
  PatientToCheck,
  Pause,
  PauseRequest,
  PerformanceMetrics,
  Ping,
  Problem,
  QuarantineList,
  QuietHours,
  Readiness,
  ReleasedHeld,
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
  WebhookEndpoint,
  WebhookEndpointChange,
  WebhookEndpointList,
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
  override: ({
    zodSchema,
    jsonSchema,
  }: {
    zodSchema: z.core.$ZodTypes;
    jsonSchema: z.core.JSONSchema.BaseSchema;
  }) => {
    // That a number is one of JavaScript's is no fact about ours.
    if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    if (zodSchema._zod.def.type === 'catch') allowAnything(jsonSchema);
  },
});

/** For a field that our clients read leniently: rows of other programs pass through, so the field may hold any value. */
function allowAnything(jsonSchema: z.core.JSONSchema.BaseSchema): void {
  const usual = { ...jsonSchema };
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  jsonSchema.anyOf = [usual, { description: 'Whatever another program has written.' }];
}

/** Within a document a schema has no address of its own. */
function bare(schema: object): JsonSchema {
  const { $schema: _dialect, $id: _address, ...rest } = schema as JsonSchema;
  return rest;
}
