/** What an endpoint of `/api/v1/webhooks` may be: its settings, checked as a whole. */
import type { WebhookEvent } from '#contract/webhook.ts';
import {
  EVENTS_FOR_PEOPLE,
  EVENTS_FOR_PROGRAMS,
  type NewWebhookEndpoint,
  type QuietHours,
  type WebhookEndpoint,
  type WebhookEndpointChange,
  type WebhookKind,
} from '#contract/webhook-endpoint.ts';
import { canAccess, organizationForbidden, type Principal } from '../http/principal.ts';
import { ProblemError } from '../http/problem.ts';
import { type SsrfRules, urlProblem } from './ssrf-guard.ts';

export interface EndpointSettings {
  kind: WebhookKind;
  /** `mailto:` and the address for the kind `email`. */
  url: string;
  organizations: '*' | number[];
  events: WebhookEvent[];
  quietHours: QuietHours | null;
  digest: boolean;
}

export const MAIL_SCHEME = 'mailto:';

/** Where messages go, as the audit log names it: the path of a URL is a secret, and the user of an address is a person. */
export function hostOf(target: string): string {
  if (target.includes('@') && !target.startsWith('http')) return target.slice(target.lastIndexOf('@') + 1);
  return URL.canParse(target) ? new URL(target).host : '';
}

export interface EndpointRules {
  webhookRules: SsrfRules;
  /** Whether email can be sent. */
  sendsEmail: boolean;
  principal: Pick<Principal, 'organizations'>;
}

/** @throws ProblemError that names the field */
export function checkSettings(wanted: NewWebhookEndpoint, rules: EndpointRules): EndpointSettings {
  const { url, email } = wanted;
  const kind = wanted.kind ?? (typeof email === 'string' ? 'email' : 'standard');
  const events = wanted.events ?? (kind === 'standard' ? EVENTS_FOR_PROGRAMS : EVENTS_FOR_PEOPLE);
  if (kind !== 'standard' && events.includes('patients.changed'))
    throw invalid('events', 'must not hold patients.changed for people: only the kind standard gets it');
  return {
    kind,
    url: kind === 'email' ? mailTarget(url, email, rules) : httpTarget(url, email, rules),
    organizations: checkOrganizations(wanted.organizations, rules),
    events: [...new Set(events)],
    quietHours: wanted.quiet_hours ?? null,
    digest: wanted.digest ?? false,
  };
}

/** What is absent stays. A change from one kind to another needs the target of the new kind. */
export function changedSettings(current: WebhookEndpoint, change: WebhookEndpointChange): NewWebhookEndpoint {
  const kind = change.kind ?? (typeof change.email === 'string' ? 'email' : current.kind);
  const staysEmail = kind === 'email' && current.kind === 'email';
  const staysUrl = kind !== 'email' && current.kind !== 'email';
  return {
    kind,
    url: change.url ?? (staysUrl ? current.url : null),
    email: change.email ?? (staysEmail ? current.email : null),
    organizations: change.organizations ?? current.organizations,
    events: change.events ?? current.events,
    quiet_hours: change.quiet_hours === undefined ? current.quiet_hours : change.quiet_hours,
    digest: change.digest ?? current.digest,
  };
}

type Target = string | null | undefined;

function httpTarget(url: Target, email: Target, { webhookRules }: EndpointRules): string {
  if (typeof email === 'string') throw invalid('email', 'is for the kind email only: leave it out, or "url"');
  if (typeof url !== 'string') throw invalid('url', 'is missing: give it, or "email"');
  const problem = urlProblem(url, webhookRules);
  if (problem !== undefined) throw invalid('url', problem);
  return url;
}

function mailTarget(url: Target, email: Target, { sendsEmail }: EndpointRules): string {
  if (typeof url === 'string') throw invalid('url', 'is not for the kind email: leave it out, or "email"');
  if (typeof email !== 'string') throw invalid('email', 'is missing: the kind email needs an address');
  if (sendsEmail) return `${MAIL_SCHEME}${email}`;
  throw new ProblemError(
    'EMAIL_NOT_SET_UP',
    'This server cannot send email: set SMTP_URL and SMTP_FROM, and start it again.',
  );
}

function checkOrganizations(
  organizations: EndpointSettings['organizations'],
  { principal }: EndpointRules,
): EndpointSettings['organizations'] {
  if (organizations === '*') {
    if (principal.organizations === '*') return '*';
    throw invalid('organizations', 'must list organizations: this token does not hold all');
  }
  if (!organizations.every((id) => canAccess(principal, id))) throw organizationForbidden();
  return [...new Set(organizations)].sort((one, other) => one - other);
}

function invalid(field: string, rule: string): ProblemError {
  return new ProblemError('INVALID_PARAMETER', `"${field}" ${rule}.`, { field });
}
