/** Why a run failed, as the documented error types and texts. None of them contains patient data. */

import { NO_KEY_STORED } from '#contract/progress.ts';
import type { SyncErrorType } from '#contract/sync-log.ts';
import { ClinikoError, type ClinikoFailure } from '../cliniko/error.ts';
import { networkSolution } from '../cliniko/network-failure.ts';
import { isDatabaseUnavailable, unavailableReason } from '../database/transient-errors.ts';
import { SealError } from '../encryption/sealer.ts';
import { databaseError } from '../logging/safe-error.ts';
import { OrganizationDeletedError } from '../organizations/organization-lock.ts';

export interface FailureReport {
  error_type: SyncErrorType;
  error_details: string;
  /** Whether the same sync may succeed later, or after a person did what `solution` says. */
  retry_recommended: boolean;
  solution?: string;
}

/** The clinic has no API key, or one that cannot be read. */
export class MissingKeyError extends Error {
  override readonly name = 'MissingKeyError';
}

/** A person or program requested the end of this run. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError';
}

/** The clinic has another API key than the one this run began with: it may belong to another account. */
export class KeyReplacedError extends Error {
  override readonly name = 'KeyReplacedError';
}

/** A run fails after this many consecutive claims without progress: it may crash every worker that claims it. */
export const MAX_CLAIMS_WITHOUT_PROGRESS = 20;

/** The run was claimed repeatedly and made no progress. */
export class NoProgressError extends Error {
  override readonly name = 'NoProgressError';
}

/** `patients` has no unique constraint: an upsert would store patients twice. */
export class MissingConstraintError extends Error {
  override readonly name = 'MissingConstraintError';
}

const CANCELLED: FailureReport = {
  error_type: 'SYNC_CANCELLED',
  error_details: 'The sync was cancelled. The patients that it had stored stay.',
  retry_recommended: false,
};

const DELETED: FailureReport = {
  error_type: 'SYNC_CANCELLED',
  error_details: 'The sync was cancelled: its organization was deleted, and its patients with it.',
  retry_recommended: false,
};

const NO_PROGRESS: FailureReport = {
  error_type: 'SYNC_INTERRUPTED',
  error_details: 'The sync was interrupted repeatedly before it could store a patient.',
  retry_recommended: true,
  solution: 'Look for this run in the server log, then start the sync again.',
};

const KEY_REPLACED: FailureReport = {
  error_type: 'SYNC_INTERRUPTED',
  error_details:
    'The API key was replaced during this sync. The patients that it had read may belong to another account.',
  retry_recommended: true,
  solution: 'Start the sync again.',
};

const WRONG_CREDENTIALS_KEY: FailureReport = {
  error_type: 'INTERNAL_ERROR',
  error_details:
    'The stored API key does not open: this server has another CREDENTIALS_KEY than the one that sealed it.',
  retry_recommended: true,
  solution:
    'Start every server with the same CREDENTIALS_KEY, and with the one before it as CREDENTIALS_KEY_PREVIOUS; or store the API key again.',
};

const NO_KEY: FailureReport = {
  error_type: 'CLINIKO_AUTH_FAILED',
  error_details: NO_KEY_STORED,
  retry_recommended: true,
  solution: "Add the organization's Cliniko API key",
};

const MIGRATE = 'Run database migration: npm run db:migrate';
const SET_KEY = 'Store a valid API key: PUT /api/v1/organizations/:orgId/cliniko-credentials';

export function describeFailure(error: unknown): FailureReport {
  if (error instanceof ClinikoError) return describeClinikoFailure(error.failure, error.message);
  if (error instanceof CancelledError) return CANCELLED;
  if (error instanceof OrganizationDeletedError) return DELETED;
  if (error instanceof NoProgressError) return NO_PROGRESS;
  if (error instanceof KeyReplacedError) return KEY_REPLACED;
  if (error instanceof SealError) return WRONG_CREDENTIALS_KEY;
  if (error instanceof MissingKeyError) return NO_KEY;
  if (error instanceof MissingConstraintError) return constraintFailure(error.message);
  if (isDatabaseUnavailable(error)) return unavailableFailure(error);
  const sqlstate = databaseError(error)?.code;
  // 42P10: the upsert found no matching constraint; it was dropped during the run.
  if (sqlstate === '42P10') return constraintFailure('the unique constraint on patients is missing');
  if (sqlstate?.startsWith('23')) return constraintFailure(`a statement was refused (SQLSTATE ${sqlstate})`);
  return {
    error_type: 'INTERNAL_ERROR',
    error_details: `The sync stopped on an internal error${sqlstate ? ` (SQLSTATE ${sqlstate})` : ''}.`,
    retry_recommended: true,
    solution: 'Start the sync again. If it fails again, look for this run in the server log.',
  };
}

function unavailableFailure(error: unknown): FailureReport {
  return {
    error_type: 'DATABASE_UNAVAILABLE',
    error_details: `The database rejected the statements of this sync repeatedly: ${unavailableReason(error)}.`,
    retry_recommended: true,
    solution:
      'Check its disk, memory and connections, then start the sync again. The patients that it had stored stay.',
  };
}

function constraintFailure(what: string): FailureReport {
  return {
    error_type: 'DATABASE_CONSTRAINT_ERROR',
    error_details: `Database constraint violation: ${what}`,
    retry_recommended: true,
    solution: MIGRATE,
  };
}

function describeClinikoFailure(failure: ClinikoFailure, message: string): FailureReport {
  const error_details = message;
  switch (failure.kind) {
    case 'unauthorised':
      return { error_type: 'CLINIKO_AUTH_FAILED', error_details, retry_recommended: true, solution: SET_KEY };
    case 'forbidden':
      return {
        error_type: 'CLINIKO_FORBIDDEN',
        error_details,
        retry_recommended: false,
        solution:
          'Give the user of this API key access to patients in Cliniko, or store the key of another user.',
      };
    case 'rate-limited':
      return { error_type: 'CLINIKO_RATE_LIMITED', error_details, retry_recommended: true };
    case 'unavailable':
      return {
        error_type: 'CLINIKO_UNAVAILABLE',
        error_details,
        retry_recommended: true,
        solution: networkSolution(failure.code),
      };
    case 'unreadable':
      return {
        error_type: 'CLINIKO_BAD_RESPONSE',
        error_details,
        retry_recommended: true,
        solution:
          "Start the sync again. If it fails again, ask Cliniko's support about the API of this account.",
      };
    default:
      return failure satisfies never;
  }
}
