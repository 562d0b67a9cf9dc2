/** The form state of an endpoint, and the request that it stands for. Pure. */
import type { WebhookEvent } from '#contract/webhook.ts';
import {
  EVENTS_FOR_PEOPLE,
  EVENTS_FOR_PROGRAMS,
  type NewWebhookEndpoint,
  type WebhookEndpoint,
  type WebhookKind,
} from '#contract/webhook-endpoint.ts';
import { type ApiError, ruleOf } from '../api.ts';

export interface EndpointDraft {
  kind: WebhookKind;
  /** The URL, or the email address. */
  target: string;
  isForAll: boolean;
  organizations: readonly number[];
  events: readonly WebhookEvent[];
  isQuiet: boolean;
  from: string;
  to: string;
  timeZone: string;
  digest: boolean;
}

/** @param endpoint null: a new one */
export function draftOf(endpoint: WebhookEndpoint | null, timeZone: string): EndpointDraft {
  const quiet = endpoint?.quiet_hours ?? null;
  const organizations = endpoint?.organizations ?? '*';
  return {
    kind: endpoint?.kind ?? 'slack',
    target: endpoint?.email ?? endpoint?.url ?? '',
    isForAll: organizations === '*',
    organizations: organizations === '*' ? [] : organizations,
    events: endpoint?.events ?? EVENTS_FOR_PEOPLE,
    isQuiet: quiet !== null,
    from: quiet?.from ?? '22:00',
    to: quiet?.to ?? '06:00',
    timeZone: quiet?.time_zone ?? timeZone,
    digest: endpoint?.digest ?? true,
  };
}

export function isChanged(draft: EndpointDraft, initial: EndpointDraft): boolean {
  return JSON.stringify(draft) !== JSON.stringify(initial);
}

/** Another kind has another target, and events of its own. */
export function withKind(draft: EndpointDraft, kind: WebhookKind): EndpointDraft {
  const isSameTarget = (draft.kind === 'email') === (kind === 'email');
  const isForProgram = kind === 'standard';
  const isSameReader = (draft.kind === 'standard') === isForProgram;
  return {
    ...draft,
    kind,
    target: isSameTarget ? draft.target : '',
    events: isSameReader ? draft.events : isForProgram ? EVENTS_FOR_PROGRAMS : EVENTS_FOR_PEOPLE,
    digest: isSameReader ? draft.digest : !isForProgram,
  };
}

/** Errors at their fields. */
export interface EndpointErrors {
  target?: string;
  clinics?: string;
  events?: string;
  times?: string;
}

/** What is missing. The server checks the rest. */
export function endpointErrors({ target, isForAll, organizations, events }: EndpointDraft): EndpointErrors {
  const errors: EndpointErrors = {};
  if (target.trim() === '') errors.target = 'Enter the address.';
  if (!isForAll && organizations.length === 0) errors.clinics = 'Choose at least one clinic.';
  if (events.length === 0) errors.events = 'Choose at least one event.';
  return errors;
}

const PLACES: Readonly<Record<string, keyof EndpointErrors>> = {
  url: 'target',
  email: 'target',
  organizations: 'clinics',
  events: 'events',
  quiet_hours: 'times',
};

/** Of the server. @returns null when it concerns no field of the form */
export function errorsOf(error: ApiError): EndpointErrors | null {
  const place = PLACES[error.field?.split('.')[0] ?? ''];
  return place === undefined ? null : { [place]: ruleOf(error) };
}

export function requestOf(draft: EndpointDraft): NewWebhookEndpoint {
  const { kind, target, isForAll, organizations, events, isQuiet, from, to, timeZone, digest } = draft;
  return {
    kind,
    ...(kind === 'email' ? { email: target.trim() } : { url: target.trim() }),
    organizations: isForAll ? '*' : [...organizations],
    events: [...events],
    quiet_hours: isQuiet ? { from, to, time_zone: timeZone } : null,
    digest,
  };
}

export const toggled = <T>(list: readonly T[], one: T): T[] =>
  list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
