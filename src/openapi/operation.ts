/** How a route is described: one entry in the tables beside this file, made of the schemas that validate. */
import type { z } from 'zod';
import type { ProblemCode } from '#contract/problem.ts';

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

export interface Operation {
  method: 'get' | 'post' | 'put' | 'delete';
  /** As the router has it: `/api/v1/cliniko/sync-logs/:orgId`. */
  path: string;
  /** A name for generated clients, unique. */
  id: string;
  tag: Tag;
  summary: string;
  description?: string;
  /** Kept for clients of the old service. */
  deprecated?: true;
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
