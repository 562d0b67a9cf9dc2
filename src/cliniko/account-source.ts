/**
 * The account behind an API key: its web address, its settings, and the number of its practitioners. The port beside the patient source
 * (source.ts), for pages and checks; a sync needs neither.
 */
import { z } from 'zod';
import type { AccountSettings } from './account-settings.ts';
import { ClinikoError } from './error.ts';
import { shardOf } from './shard.ts';
import type { RequestOptions } from './source.ts';

export interface AccountSource {
  /**
   * @returns the host of the account's pages, such as `harbour-street.au2.cliniko.com`
   * @throws ClinikoError, or the signal's reason when aborted
   */
  host(options: RequestOptions): Promise<string>;
  /** @throws ClinikoError, or the signal's reason when aborted */
  settings(options: RequestOptions): Promise<AccountSettings>;
  /** @throws ClinikoError, or the signal's reason when aborted */
  countPractitioners(options: RequestOptions): Promise<number>;
}

/** One label of a host name, so that a link never leads to another site. */
const Subdomain = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i);

const PublicSettings = z.object({ account: z.object({ subdomain: Subdomain }) });

const Practitioners = z.object({ total_entries: z.int().min(0) });

/** @throws ClinikoError */
export function readHost(body: unknown, apiKey: string): string {
  const settings = PublicSettings.safeParse(body);
  if (!settings.success) throw new ClinikoError({ kind: 'unreadable', status: 200 });
  return `${settings.data.account.subdomain.toLowerCase()}.${shardOf(apiKey)}.cliniko.com`;
}

/** @throws ClinikoError */
export function readPractitionerCount(body: unknown): number {
  const list = Practitioners.safeParse(body);
  if (!list.success) throw new ClinikoError({ kind: 'unreadable', status: 200 });
  return list.data.total_entries;
}
