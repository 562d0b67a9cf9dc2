/** `/openapi.json`: OpenAPI 3.1, made of the tables of operations and the schemas that validate. */
import type { z } from 'zod';
import { Problem, type ProblemCode } from '#contract/problem.ts';
import { WebhookEvent, WebhookMessage } from '#contract/webhook.ts';
import { problemKind } from '../http/problem.ts';
import { ACCESS_OPERATIONS } from './access-operations.ts';
import { BULK_OPERATIONS } from './bulk-operations.ts';
import { OPERATING_OPERATIONS } from './operating-operations.ts';
import type { Answer, Operation, Parameter } from './operation.ts';
import { ORGANIZATION_OPERATIONS } from './organization-operations.ts';
import { OVERVIEW_OPERATIONS } from './overview-operations.ts';
import { PATH_PARAMETERS } from './parameters.ts';
import { componentSchemas, type JsonSchema, schemaOf } from './schemas.ts';
import { SYNC_OPERATIONS } from './sync-operations.ts';
import { WEBHOOK_OPERATIONS } from './webhook-operations.ts';

/** A new route gets its entry in one of these tables; a test compares them with the router. */
export const OPERATIONS: readonly Operation[] = [
  ...SYNC_OPERATIONS,
  ...ORGANIZATION_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...OVERVIEW_OPERATIONS,
  ...BULK_OPERATIONS,
  ...ACCESS_OPERATIONS,
  ...OPERATING_OPERATIONS,
];

/** Problems that any address may return. */
const EVERYWHERE: readonly ProblemCode[] = [
  'INVALID_PARAMETER',
  'BODY_TOO_LARGE',
  'HEADERS_TOO_LARGE',
  'REQUEST_INCOMPLETE',
  'HOST_NOT_ALLOWED',
  'ORIGIN_NOT_ALLOWED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'TOO_MANY_REQUESTS',
  'REQUEST_TIMEOUT',
  'DATABASE_UNAVAILABLE',
];

const DIALECT = 'draft-2020-12';
const schema = (of: z.core.$ZodType) => schemaOf(of, DIALECT);

/** @param more operations beside our own: those of the old service */
export function openApiDocument(version: string, more: readonly Operation[] = [], basePath = ''): JsonSchema {
  const operations = [...OPERATIONS, ...more];
  return {
    openapi: '3.1.1',
    info: {
      title: 'Patient Sync',
      version,
      description:
        'Syncs the patients of clinics from Cliniko into PostgreSQL, and streams the progress. Errors are RFC 9457 problems with a stable `code`. A parameter or a field of a body that is not described is refused; the deprecated routes, `sync-all`, `sync-active`, the list of sync logs and its stream ignore it. The streams are described in /asyncapi.json.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    // A path is appended to it as it is: a slash at its end would be a second one.
    servers: [{ url: basePath || '/', description: 'This server.' }],
    security: [{}, { bearer: [] }, { session: [] }],
    tags: [...new Set(operations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths: pathsOf(operations),
    webhooks: Object.fromEntries(WebhookEvent.options.map((event) => [event, webhookOf(event)])),
    components: {
      schemas: componentSchemas(DIALECT),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'With `AUTH=tokens`; without, nothing is asked for.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'patient-sync-session',
          description:
            'Of a person who signed in on this device; only for requests of the pages of this server. Over https the name begins with `__Host-`, or with `__Secure-` below a BASE_PATH.',
        },
      },
    },
  };
}

function pathsOf(operations: readonly Operation[]): JsonSchema {
  const paths: Record<string, JsonSchema> = {};
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method]: describe(operation) };
  }
  return paths;
}

function describe(operation: Operation): JsonSchema {
  const { id, tag, summary, description, body, isBodyOptional = false } = operation;
  const parameters = [
    ...[...operation.path.matchAll(/:(\w+)/g)].map(([, name = '']) =>
      parameterOf('path', name, PATH_PARAMETERS[name] ?? unknownParameter(name)),
    ),
    ...Object.entries(operation.query ?? {}).map(([name, one]) => parameterOf('query', name, one)),
    ...Object.entries(operation.headers ?? {}).map(([name, one]) => parameterOf('header', name, one)),
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description && { description }),
    ...(operation.deprecated && { deprecated: true }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: !isBodyOptional,
        content: { 'application/json': { schema: schema(body) } },
      },
    }),
    responses: responsesOf(operation),
  };
}

function parameterOf(place: 'path' | 'query' | 'header', name: string, parameter: Parameter): JsonSchema {
  return {
    name,
    in: place,
    required: place === 'path',
    description: parameter.description,
    schema: schema(parameter.schema),
  };
}

function unknownParameter(name: string): never {
  throw new Error(`A route has a parameter ":${name}" that openapi/parameters.ts does not describe.`);
}

/** Responses and problems by status: those that share a status are one response with several contents. */
function responsesOf({ answers, problems = [] }: Operation): JsonSchema {
  const codes = [...problems, ...EVERYWHERE];
  const responses: Record<string, JsonSchema> = {};
  for (const status of new Set(codes.map((code) => problemKind(code).status))) {
    responses[status] = problemResponse(codes.filter((code) => problemKind(code).status === status));
  }
  for (const [status, answer] of Object.entries(answers)) {
    const own = answerOf(answer);
    const shared = responses[status];
    responses[status] =
      shared === undefined ? own : { ...own, content: { ...contentOf(own), ...contentOf(shared) } };
  }
  return responses;
}

const contentOf = (response: JsonSchema) => response.content as JsonSchema | undefined;

function answerOf({
  description,
  schema: of,
  type = 'application/json',
  isAlsoCsv,
  headers,
}: Answer): JsonSchema {
  return {
    description,
    ...(of && {
      content: {
        [type]: { schema: schema(of) },
        ...(isAlsoCsv && { 'text/csv': { schema: { type: 'string' } } }),
      },
    }),
    ...(headers && {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, words]) => [
          name,
          { description: words, schema: { type: 'string' } },
        ]),
      ),
    }),
  };
}

function problemResponse(codes: readonly ProblemCode[]): JsonSchema {
  return {
    description: codes.map((code) => `\`${code}\`: ${problemKind(code).title}.`).join(' '),
    content: { 'application/problem+json': { schema: schema(Problem) } },
  };
}

function webhookOf(event: WebhookEvent): JsonSchema {
  const header = (name: string, description: string) => ({
    name,
    in: 'header',
    required: true,
    description,
    schema: { type: 'string' },
  });
  return {
    post: {
      operationId: `on${event.replace(/(?:^|\.)(\w)/g, (_all, letter: string) => letter.toUpperCase())}`,
      tags: ['Webhooks'],
      summary: `Sent to the webhooks of the kind standard: ${event}`,
      description: 'At least once, in no order, signed as standardwebhooks.com says.',
      parameters: [
        header('webhook-id', 'The same at each attempt.'),
        header('webhook-timestamp', 'Of this attempt, in seconds since 1970.'),
        header('webhook-signature', '`v1,` and the HMAC-SHA256 of `<id>.<timestamp>.<body>` in base64.'),
      ],
      requestBody: { required: true, content: { 'application/json': { schema: schema(WebhookMessage) } } },
      responses: {
        '2XX': { description: 'It has arrived.' },
        '410': { description: 'The receiver no longer exists: nothing is sent again.' },
        default: { description: 'It is tried again, for three days.' },
      },
    },
  };
}
