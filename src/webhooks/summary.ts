/**
 * What messages for people say: one line for each cause, with a link. "13 clinics failed: Cliniko answered 503".
 *
 * A line holds names of organizations, counts and the fixed words below.
 */
import { z } from 'zod';
import { formatCount, formatPatients } from '#contract/count.ts';
import type { SyncEvent } from '#contract/webhook.ts';
import type { PageLinks } from './page-links.ts';

export interface Notice {
  event: SyncEvent;
  organizationId: number;
  organizationName: string | null;
  syncLogId: number | null;
  /** The message as an endpoint of the kind `standard` gets it. */
  body: string;
  httpStatus: number | null;
}

const Line = z.object({ text: z.string(), url: z.string() });
export type Line = z.infer<typeof Line>;

/** Stored with each message for people (table.ts). */
export const Summary = z.object({
  lines: z.array(Line),
  /** The page for all of it. */
  url: z.string(),
});
export type Summary = z.infer<typeof Summary>;

/** The line says how many it leaves out. */
const MAX_LINES = 10;
const MAX_NAME = 80;

export function summarize(notices: readonly Notice[], links: PageLinks): Summary {
  const draft = new SummaryDraft();
  for (const notice of notices) draft.add(notice);
  return draft.finish(links);
}

/** Counts notices, oldest first, without keeping them: after a night there may be hundreds of thousands. */
export class SummaryDraft {
  readonly #groups = new Map<string, Group>();

  add(notice: Notice): void {
    // Syncs that ended well are no group of failures, whatever they stored.
    const key = `${notice.event} ${notice.event === 'sync.failed' ? causeOf(notice) : ''}`;
    const group = this.#groups.get(key) ?? { newest: notice, count: 0, clinics: new Set() };
    group.newest = notice;
    group.count += 1;
    group.clinics.add(notice.organizationId);
    this.#groups.set(key, group);
  }

  finish(links: PageLinks): Summary {
    const groups = [...this.#groups.values()];
    groups.sort((one, other) => rank(one) - rank(other) || other.clinics.size - one.clinics.size);
    const lines = groups.slice(0, MAX_LINES).map((group) => lineOf(group, links));
    const left = groups.length - lines.length;
    if (left > 0) lines.push({ text: `And ${formatCount(left)} more.`, url: links.all });
    const [only, ...others] = lines;
    return { lines, url: only === undefined || others.length > 0 ? links.all : only.url };
  }
}

/** Notices with the same cause. */
interface Group {
  newest: Notice;
  count: number;
  clinics: Set<number>;
}

/** What asks for an action comes first. */
const ORDER: readonly SyncEvent[] = ['sync.failed', 'sync.overdue', 'sync.held', 'sync.completed'];
const rank = ({ newest }: Group) => ORDER.indexOf(newest.event);

function lineOf({ newest, count, clinics }: Group, links: PageLinks): Line {
  if (clinics.size > 1) return { text: textOfMany(formatCount(clinics.size), newest), url: links.all };
  const { organizationId, syncLogId } = newest;
  const url = syncLogId === null ? links.clinic(organizationId) : links.run(organizationId, syncLogId);
  return { text: `${nameOf(newest)}: ${textOfOne(newest, count)}`, url };
}

function textOfMany(clinics: string, notice: Notice): string {
  switch (notice.event) {
    case 'sync.failed':
      return isCancelled(notice)
        ? `The syncs of ${clinics} clinics were cancelled`
        : `${clinics} clinics failed: ${causeOf(notice)}`;
    case 'sync.overdue':
      return `${clinics} clinics are overdue: their data is not fresh`;
    case 'sync.held':
      return `Many patients of ${clinics} clinics are missing in Cliniko: confirm that they are gone`;
    case 'sync.completed':
      return `The syncs of ${clinics} clinics completed`;
    default:
      return notice.event satisfies never;
  }
}

function textOfOne(notice: Notice, count: number): string {
  const facts = factsOf(notice);
  const times = count > 1 ? ` ${formatCount(count)} times` : '';
  switch (notice.event) {
    case 'sync.failed':
      return isCancelled(notice) ? `sync cancelled${times}` : `sync failed${times}: ${causeOf(notice)}`;
    case 'sync.overdue':
      return facts.last_success_at === null
        ? 'overdue, no sync has succeeded yet'
        : `overdue, the last sync that succeeded ended ${facts.last_success_at.slice(0, 16).replace('T', ' ')} UTC`;
    case 'sync.held':
      return `${formatPatients(facts.missing_held)} are missing in Cliniko: confirm that they are gone`;
    case 'sync.completed':
      return `sync completed${times}: ${formatCount(facts.records_success)} of ${formatPatients(facts.records_processed)} stored`;
    default:
      return notice.event satisfies never;
  }
}

/** Of the body only what the texts need: the row of another program may leave out the rest. */
const Facts = z.object({
  error_type: z.string().nullable().catch(null),
  records_processed: z.int().catch(0),
  records_success: z.int().catch(0),
  missing_held: z.int().catch(0),
  last_success_at: z.string().nullable().catch(null),
});

function factsOf({ body }: Notice): z.infer<typeof Facts> {
  const { data } = z.object({ data: z.unknown() }).parse(JSON.parse(body));
  return Facts.parse(data);
}

const isCancelled = (notice: Notice) => factsOf(notice).error_type === 'SYNC_CANCELLED';

const CAUSES: Record<string, string> = {
  CLINIKO_AUTH_FAILED: 'Cliniko refused the API key',
  CLINIKO_FORBIDDEN: 'the API key may not read patients',
  CLINIKO_RATE_LIMITED: 'Cliniko limited the rate of requests',
  CLINIKO_UNAVAILABLE: 'Cliniko did not answer',
  CLINIKO_BAD_RESPONSE: 'Cliniko sent no usable page of patients',
  DATABASE_CONSTRAINT_ERROR: 'the database refused the patients',
  DATABASE_UNAVAILABLE: 'the database did not answer',
  SYNC_CANCELLED: 'cancelled',
  SYNC_INTERRUPTED: 'the sync was interrupted',
  INTERNAL_ERROR: 'a fault of the server',
};

function causeOf(notice: Notice): string {
  const { error_type } = factsOf(notice);
  const { httpStatus } = notice;
  if (httpStatus !== null && error_type === 'CLINIKO_UNAVAILABLE') return `Cliniko answered ${httpStatus}`;
  return CAUSES[error_type ?? ''] ?? 'the reason is on its page';
}

function nameOf({ organizationName, organizationId }: Notice): string {
  const name = organizationName?.replace(CONTROLS, ' ') ?? `Organization ${organizationId}`;
  return shortened(name, MAX_NAME);
}

/** They break the line, or reverse the direction of all that follows: a name must not change how the words after it read. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu;

/** @param max characters: half of one, as of an emoji, would be refused */
export function shortened(text: string, max: number): string {
  const characters = [...text];
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : text;
}
