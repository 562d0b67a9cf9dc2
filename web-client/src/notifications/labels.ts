/** What the page calls kinds, events and outcomes. */
import { formatCount } from '#contract/count.ts';
import type { WebhookDelivery, WebhookEvent } from '#contract/webhook.ts';
import type { WebhookEndpoint, WebhookKind } from '#contract/webhook-endpoint.ts';
import type { IconName } from '../ui/icon.tsx';

export const KINDS: readonly [WebhookKind, string][] = [
  ['slack', 'Slack'],
  ['teams', 'Microsoft Teams'],
  ['discord', 'Discord'],
  ['email', 'Email'],
  ['standard', 'Webhook (signed JSON)'],
];

export const kindName = (kind: WebhookKind) => KINDS.find(([one]) => one === kind)?.[1] ?? kind;

export const EVENT_NAMES: Record<WebhookDelivery['event'], string> = {
  'sync.failed': 'A sync failed',
  'sync.overdue': 'A clinic is overdue',
  'sync.held': 'Missing patients wait for a confirmation',
  'sync.completed': 'A sync completed',
  'patients.changed': 'Patients changed',
  digest: 'Several events',
  test: 'Test message',
};

/** In the order in which a person wants them. */
export const EVENTS: readonly WebhookEvent[] = [
  'sync.failed',
  'sync.overdue',
  'sync.held',
  'sync.completed',
  'patients.changed',
];

/** Its first attempts take seconds; a later one comes after minutes. */
export const isUnderWay = ({ state, attempts }: WebhookDelivery) => state === 'pending' && attempts <= 1;

export interface Outcome {
  pill: 'completed' | 'waiting' | 'failed' | 'none';
  icon: IconName | null;
  words: string;
}

export function outcomeOf({ state, attempts }: WebhookDelivery): Outcome {
  if (state === 'delivered') return { pill: 'completed', icon: 'done', words: 'Arrived' };
  if (state === 'given_up') return { pill: 'failed', icon: 'failed', words: 'Not delivered' };
  return attempts === 0
    ? { pill: 'none', icon: null, words: 'Sending' }
    : { pill: 'waiting', icon: 'hourglass', words: 'Will be tried again' };
}

/** Of the whole endpoint: that it is off outweighs its newest delivery. */
export function stateOf({ disabled_at, latest }: WebhookEndpoint): Outcome {
  if (disabled_at !== null) return { pill: 'failed', icon: 'halt', words: 'Off: the address is gone' };
  return latest === null ? { pill: 'none', icon: null, words: 'Nothing sent yet' } : outcomeOf(latest);
}

/** The address of a chat is its secret: enough of it to tell two apart. */
export function targetText({ kind, url, email }: WebhookEndpoint): string {
  if (url === null) return email ?? '';
  if (kind === 'standard' || !URL.canParse(url)) return url;
  return `${new URL(url).host}/…${url.slice(-4)}`;
}

export function organizationsText(
  organizations: WebhookEndpoint['organizations'],
  names: ReadonlyMap<number, string>,
): string {
  if (organizations === '*') return 'All clinics';
  const [first, ...others] = organizations.map((id) => names.get(id) ?? `Organization ${id}`);
  return others.length === 0 ? (first ?? '') : `${first} and ${formatCount(others.length)} more`;
}

export const eventsText = (events: readonly WebhookEvent[]) =>
  EVENTS.filter((event) => events.includes(event))
    .map((event) => EVENT_NAMES[event])
    .join(' · ');
