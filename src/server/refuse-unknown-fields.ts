/**
 * Refuses the query and body fields that a route does not know.
 *
 * A route knows the parameters of its entry in the tables of openapi/: one that is read but not documented there never
 * arrives, so it cannot be forgotten. Fields of a documented body are checked by its schema, when the route parses it.
 *
 * A new route is strict unless its entry says otherwise: so a misspelt `dry_run` deletes nothing.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { bodyText, jsonBody } from '../http/parameters.ts';
import { ProblemError } from '../http/problem.ts';
import type { Operation } from '../openapi/operation.ts';

/** What some clients send as "no fields". */
const NoFields = z.strictObject({});

/** Old clients add fields of their own; links and probes of pages, documents and health checks add parameters. */
export function ignoresUnknownFields({ path, deprecated, isLenient }: Operation): boolean {
  return deprecated === true || isLenient === true || !path.startsWith('/api/');
}

/** Runs after the authorization, which sets the pattern of the route. */
export function refuseUnknownFields(operations: readonly Operation[]): MiddlewareHandler {
  const strict = new Map(
    operations
      .filter((operation) => !ignoresUnknownFields(operation))
      .map((operation) => [`${operation.method.toUpperCase()} ${operation.path}`, operation]),
  );
  return async (c, next) => {
    const operation = strict.get(c.get('requirement').route);
    // A refused WebSocket learns why from its close code.
    if (operation === undefined || c.get('socketRefusal') !== undefined) return next();
    requireKnownParameters(c, Object.keys(operation.query ?? {}));
    // The body of a GET has no meaning, and no route reads it.
    if (operation.method !== 'get' && operation.body === undefined) await requireNoBody(c);
    return next();
  };
}

function requireKnownParameters(c: Context, known: readonly string[]): void {
  const unknown = [...new URL(c.req.url).searchParams.keys()].find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const field = unknown.slice(0, 100) || 'query';
  const accepted = known.length === 0 ? 'takes none' : `takes ${known.join(', ')}`;
  throw new ProblemError(
    'INVALID_PARAMETER',
    `"${field}" is not a known parameter: this address ${accepted}.`,
    { field },
  );
}

/** Some clients send `null` for no body. */
async function requireNoBody(c: Context): Promise<void> {
  const text = (await bodyText(c)).trim();
  if (text !== '' && text !== 'null') await jsonBody(c, NoFields);
}
