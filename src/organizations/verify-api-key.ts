/** Checks with Cliniko whether a key works. Only a request for patients proves that the key may read patients. */

import type { ClinikoAccount, KeyVerdict } from '#contract/organization.ts';
import type { AccountSource } from '../cliniko/account-source.ts';
import { askOnce } from '../cliniko/ask-once.ts';
import { ClinikoError } from '../cliniko/error.ts';
import type { PatientSource, WaitNotice } from '../cliniko/source.ts';
import { SealError } from '../encryption/sealer.ts';
import { ProblemError } from '../http/problem.ts';
import { limitTime } from '../timing/time-limit.ts';

/** Long enough for one slow answer, short enough for a person who waits at a form. */
const TIMEOUT_MS = 10_000;

/**
 * @param readKey returns undefined when no key is stored
 * @param stop ends the check without a verdict
 */
export async function verifyStoredKey(
  readKey: () => Promise<string | undefined>,
  sourceFor: (apiKey: string) => PatientSource,
  stop?: AbortSignal,
): Promise<KeyVerdict> {
  try {
    const apiKey = await readKey();
    if (apiKey !== undefined) return await verifyKey(sourceFor(apiKey), stop);
    return { verdict: 'missing', detail: 'No key is stored for this organization. Add its Cliniko API key.' };
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    // The key may be valid: it was not tried.
    return { verdict: 'unknown', detail: KEY_DOES_NOT_OPEN };
  }
}

export const KEY_DOES_NOT_OPEN =
  'The stored key does not open: this server has another CREDENTIALS_KEY than the one that sealed it. Set the right one, or store the key again.';

/** @throws ProblemError when Cliniko does not accept the key, or does not answer */
export async function requireAcceptedKey(source: PatientSource): Promise<void> {
  const { verdict, detail } = await verifyKey(source);
  if (verdict === 'valid') return;
  const code = verdict === 'invalid' ? 'CLINIKO_AUTH_FAILED' : 'CLINIKO_UNAVAILABLE';
  throw new ProblemError(code, `${detail} The key was not stored.`);
}

/** For a person who adds a clinic: the verdict, and what Cliniko tells about the clinic. */
export async function verifyNewKey(source: PatientSource & AccountSource): Promise<KeyVerdict> {
  const answer = await verifyKey(source);
  if (answer.verdict !== 'valid') return answer;
  return { ...answer, account: await readAccount(source) };
}

/** @returns null when it cannot be read: the person is asked instead */
async function readAccount(source: AccountSource): Promise<ClinikoAccount | null> {
  try {
    const { name, country, timeZone } = await askOnce((options) => source.settings(options));
    return { name, country, time_zone: timeZone };
  } catch {
    return null;
  }
}

const NOT_ACCEPTED =
  'Cliniko does not accept this key. Copy it again from My Info in Cliniko, or make a new one there.';
const NOT_ALLOWED =
  'The user of this key may not read patients in Cliniko. Give this user access to patients there, then try again.';

/** A rate limit or a missing answer proves nothing about the key: the result is `unknown`, never `invalid`. */
async function verifyKey(source: PatientSource, stop?: AbortSignal): Promise<KeyVerdict> {
  const busy = new AbortController();
  const limit = limitTime(
    TIMEOUT_MS,
    stop === undefined ? busy.signal : AbortSignal.any([busy.signal, stop]),
  );
  let why = 'Cliniko did not answer in time';
  try {
    const query = { page: 1, perPage: 1, filters: [], sort: 'id:asc' };
    // A person waits at a form, so a wait that a sync would accept ends the check at once.
    const onWait = ({ reason, words }: WaitNotice) => {
      if (reason === 'no-answer') return;
      why = reason === 'retrying' ? (words ?? why) : "This key is at Cliniko's rate limit";
      busy.abort();
    };
    await source.page(query, { signal: limit.signal, onWait });
    return { verdict: 'valid', detail: 'Cliniko accepts this key, and it may read patients.' };
  } catch (error) {
    if (error instanceof ClinikoError) {
      if (error.failure.kind === 'unauthorised') return { verdict: 'invalid', detail: NOT_ACCEPTED };
      if (error.failure.kind === 'forbidden') return { verdict: 'invalid', detail: NOT_ALLOWED };
      why = error.message;
    }
    return { verdict: 'unknown', detail: `${why}. Try again in a minute.` };
  } finally {
    limit.clear();
  }
}
