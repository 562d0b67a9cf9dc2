/** What the dashboard says about a failed run, to an administrator and to a person who may not replace the key. */
import { describe, expect, test } from 'vitest';
import { NO_KEY_STORED } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { ClinikoError } from '../../src/cliniko/error.ts';
import { describeFailure, MissingKeyError } from '../../src/sync/failure.ts';
import { canTryAgain, failureWords, solutionWords } from '../../web-client/src/dashboard/result-words.ts';
import { aLog } from './support/logs.ts';

/** A run that failed for this reason, with the texts of the engine. */
function failedBy(error: unknown): SyncLog {
  const { error_details, ...metadata } = describeFailure(error);
  return aLog({ status: 'failed', error_details, metadata: { ...aLog().metadata, ...metadata } });
}

const refusedKey = failedBy(new ClinikoError({ kind: 'unauthorised' }));
const noKey = failedBy(new MissingKeyError(NO_KEY_STORED));
const noAccess = failedBy(new ClinikoError({ kind: 'forbidden' }));
const textsFor = (log: SyncLog, mayReplaceKey: boolean) => [
  failureWords(log, mayReplaceKey),
  solutionWords(log, mayReplaceKey),
];

describe('a failed run', () => {
  test('tells a person without access to the settings to ask an administrator, and names no setting or address', () => {
    expect(textsFor(refusedKey, false)).toEqual([
      'Invalid Cliniko credentials.',
      'Ask an administrator to replace the Cliniko API key of this clinic.',
    ]);
    expect(textsFor(noKey, false)).toEqual([
      'This organization has no Cliniko API key.',
      'Ask an administrator to add the Cliniko API key of this clinic.',
    ]);
    expect(solutionWords(noAccess, false)).toMatch(/^Ask an administrator to give the user /);
  });

  test('leaves the solution to the button of an administrator, except where Cliniko has to be changed', () => {
    expect(textsFor(refusedKey, true)).toEqual([
      'Invalid Cliniko credentials. Please update your API settings.',
      null,
    ]);
    expect(solutionWords(noAccess, true)).toBe(
      'Give the user of this API key access to patients in Cliniko, or store the key of another user.',
    );
  });

  test('can be tried again once a person has given the key access', () => {
    expect([refusedKey, noKey, noAccess].map(canTryAgain)).toEqual([true, true, true]);
    expect(canTryAgain({ ...noAccess, status: 'running' })).toBe(false);
  });

  test('keeps the solution of every other failure', () => {
    const internal = failedBy(new Error('unexpected'));
    expect(solutionWords(internal, false)).toBe(internal.metadata.solution);
  });
});
