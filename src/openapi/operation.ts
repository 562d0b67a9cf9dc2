/**
 * What a route takes, answers and requires: one entry in the tables beside this file, made of the schemas that validate. The
 * descriptions, the authorization (access/route-policy.ts) and the refusal of unknown fields read it.
 */
import type { z } from 'zod';
import type { ProblemCode } from '#contract/problem.ts';
import type { AuditAction } from '../audit/append.ts';
import type { Scope } from '../http/principal.ts';

type Tag =
  | 'Syncs'
  | 'Patients'
  | 'Organizations'
  | 'Webhooks'
  | 'Streams'
  | 'Access'
  | 'Operation'
  | 'Pages'
  | 'Old service';

export interface Parameter {
  schema: z.core.$ZodType;
  description: string;
}

export interface Answer {
  description: string;
  /** None: an empty body. */
  schema?: z.core.$ZodType;
  /** Default: application/json. */
  type?: string;
  /** `?format=csv` is answered as text/csv. */
  isAlsoCsv?: true;
  headers?: Record<string, string>;
}

/** What a route requires, where it is not the default. */
interface RouteAccess {
  /** Needs no token: a page, a description, a health check, or a sign-in, whose route checks a code. Never organization data. */
  isPublic?: true;
  /** A route without `:orgId` that returns to each token only what it holds. Default: it needs a token that holds all. */
  isSelfFiltering?: true;
  /** It answers with a stream, and takes a stream token in its address. */
  isStream?: true;
  /** Default: `read` for a GET, otherwise `admin`. */
  scope?: Scope;
  /** The action in the audit log; null: the route writes its own entry. Default: none for a GET, otherwise `api.write`. */
  audit?: AuditAction | null;
  /** The action of a GET that lists patients only as CSV. */
  auditOfCsv?: AuditAction;
}

export interface Operation {
  method: 'get' | 'post' | 'put' | 'delete';
  /** As the router has it: `/api/v1/cliniko/sync-logs/:orgId`. */
  path: string;
  /** A name for generated clients, unique. */
  id: string;
  tag: Tag;
  access?: RouteAccess;
  summary: string;
  description?: string;
  /** Kept for clients of the old service. */
  deprecated?: true;
  /** Ignores parameters and fields that it does not know, like pages and the deprecated routes. Default: it refuses them. */
  isLenient?: true;
  query?: Record<string, Parameter>;
  headers?: Record<string, Parameter>;
  body?: z.core.$ZodType;
  /** The body may be absent. */
  isBodyOptional?: true;
  /** By status. */
  answers: Record<number, Answer>;
  /** Besides those that any address may answer with. */
  problems?: readonly ProblemCode[];
}
