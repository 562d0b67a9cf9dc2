/** The old routes that read one organization, each with its answer. */
import type { z } from 'zod';
import {
  ActivePatients,
  ActiveSummary,
  Logs,
  Stats,
  StatsWithDetails,
  Status,
  StatusWithAll,
} from './cliniko-answers.ts';
import { Dashboard, Services } from './dashboard-answers.ts';
import { History, SyncDashboard } from './progress-answers.ts';

/** `ORG` in the path is the organization. */
export type Row = readonly [route: string, path: string, answer: z.ZodType];

export const READS: readonly Row[] = [
  ['GET /cliniko/status/:org', '/cliniko/status/ORG', Status],
  [
    'GET /cliniko/status/:org with logs and health check',
    '/cliniko/status/ORG?include_logs=true&include_health_check=true&logs_limit=3',
    StatusWithAll,
  ],
  ['GET /cliniko/sync-logs/:org', '/cliniko/sync-logs/ORG?limit=3', Logs],
  ['GET /cliniko/active-patients/:org', '/cliniko/active-patients/ORG?limit=500', ActivePatients],
  ['GET /cliniko/active-patients-summary/:org', '/cliniko/active-patients-summary/ORG', ActiveSummary],
  ['GET /cliniko/active-patients/:org/summary', '/cliniko/active-patients/ORG/summary', ActiveSummary],
  ['GET /cliniko/patients/:org/stats', '/cliniko/patients/ORG/stats', Stats],
  [
    'GET /cliniko/patients/:org/stats with details',
    '/cliniko/patients/ORG/stats?include_details=true',
    StatsWithDetails,
  ],
  ['GET /sync/history/:org', '/sync/history/ORG?limit=5', History],
  ['GET /sync/dashboard/:org', '/sync/dashboard/ORG', SyncDashboard],
  ['GET /cliniko/sync/dashboard/:org', '/cliniko/sync/dashboard/ORG', SyncDashboard],
  ['GET /dashboard/:org', '/dashboard/ORG?activity_limit=3', Dashboard],
  ['GET /dashboard/:org/summary', '/dashboard/ORG/summary', Dashboard],
  ['GET /dashboard/:org/activity', '/dashboard/ORG/activity?limit=3', Dashboard],
  ['GET /admin/organization-services/:org', '/admin/organization-services/ORG', Services],
];
