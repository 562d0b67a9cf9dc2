/** An organization (a clinic) and its settings. */
import { z } from 'zod';

/** How to handle a patient whose data is incomplete or invalid. */
export const ValidationPolicy = z.strictObject({
  /** An invalid phone number: `warn` stores the patient and counts a warning, `reject` quarantines. */
  phone: z.enum(['warn', 'reject']),
  /** No email address: `optional` stores the patient and counts a warning, `require` quarantines. */
  email: z.enum(['optional', 'require']),
});
export type ValidationPolicy = z.infer<typeof ValidationPolicy>;

const NO_COUNTRIES = new Set(
  'AC AN BU CP CQ CS DD DG DY EA EU EZ FX HV IC NH NT QO RH SU TA TP UK UN VD XA XB YD YU ZR ZZ'.split(' '),
);

/** ISO 3166-1 alpha-2: the codes that every JavaScript runtime can name, without those that denote no country. */
const COUNTRIES = countryCodes();

/** IANA name. */
export const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be an IANA time zone, such as "Australia/Sydney"');

/** What a schedule starts; the same words as `--mode` of the command line. */
export const ScheduleMode = z.enum(['full', 'active', 'changed']);
export type ScheduleMode = z.infer<typeof ScheduleMode>;

/** When syncs start automatically, at most once a minute. */
export const Schedule = z.strictObject({
  /** Five fields, or six with seconds in front: `0 2 * * *` is every night at two. */
  cron: z
    .string()
    .trim()
    .max(100)
    .regex(/^\S+(?:\s+\S+){4,5}$/, 'must be a cron expression of five or six fields, such as "0 2 * * *"'),
  /** The time zone of the cron expression. */
  time_zone: TimeZone,
  /** Default: `full`. */
  mode: ScheduleMode.optional(),
});
export type Schedule = z.infer<typeof Schedule>;

export const MAX_SCHEDULES = 4;

/** One schedule, or a list. It is read back in the form in which it was written. */
export const Schedules = z.union([Schedule, z.array(Schedule).max(MAX_SCHEDULES)]);
export type Schedules = z.infer<typeof Schedules>;

/** Shown on pages and in lists, so it must not name a patient. */
export const PauseReason = z
  .string()
  .trim()
  .min(1)
  .max(300)
  .refine((reason) => !/\p{Cc}/u.test(reason), 'must not hold control characters');

export const OrganizationSettings = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .refine((name) => !/\p{Cc}/u.test(name), 'must not hold control characters')
    .nullable(),
  /** ISO 3166-1 alpha-2; used to parse phone numbers without a country code. */
  country: z.enum(
    COUNTRIES,
    'must be the code of a country in two capital letters (ISO 3166-1), such as "AU"',
  ),
  time_zone: TimeZone,
  /** null: syncs start only on request. */
  schedule: Schedules.nullable(),
  validation: ValidationPolicy,
  /** While paused, schedules and second attempts rest. A sync that a person or a program starts runs. */
  paused: z.boolean(),
  /** Why, in one sentence of a person; the server writes it when it pauses a schedule whose key Cliniko refuses. */
  paused_reason: PauseReason.nullable(),
});
export type OrganizationSettings = z.infer<typeof OrganizationSettings>;

export const DEFAULT_SETTINGS: OrganizationSettings = {
  name: null,
  country: 'AU',
  time_zone: 'Australia/Sydney',
  schedule: null,
  validation: { phone: 'warn', email: 'optional' },
  paused: false,
  paused_reason: null,
};

/** Body of `PUT /api/v1/organizations/:orgId`. An omitted field keeps its value, or takes its default in a new organization. */
export const OrganizationChange = OrganizationSettings.extend({
  validation: ValidationPolicy.partial(),
}).partial();
export type OrganizationChange = z.infer<typeof OrganizationChange>;

export const Organization = OrganizationSettings.extend({
  organization_id: z.int(),
  has_credentials: z.boolean(),
  /** The next firing, ISO 8601 UTC; null without a schedule and while it, or everything, is paused. */
  next_sync_at: z.string().nullable(),
  /** ISO 8601 UTC; null while not paused. Read only. */
  paused_at: z.string().nullable(),
  /** The account that paused it; null when the server did, and of an account without a name. Read only. */
  paused_by: z.string().nullable(),
  /** Everything is paused, whatever the settings of this organization are. Read only. */
  everything_paused: z.boolean(),
  /** Why a stored schedule is disabled, while the others fire; null when all are valid. */
  schedule_error: z.string().nullable(),
});
export type Organization = z.infer<typeof Organization>;

/** Response of `GET /api/v1/organizations`: all that are registered, by id. */
export const OrganizationList = z.object({
  organizations: z.array(Organization.pick({ organization_id: true, name: true })),
});
export type OrganizationList = z.infer<typeof OrganizationList>;

const ApiKey = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[\x21-\x7e]+$/, 'must be one word of printable characters');

/** Body of `PUT …/cliniko-credentials`. Write only: no response ever holds the key. */
export const ClinikoCredentials = z.strictObject({
  api_key: ApiKey,
  /** Whether Cliniko must accept the key before it is stored. Default: false. */
  check: z.boolean().optional(),
});

/**
 * Body of `POST …/cliniko-credentials/verify`. Without a key, or without a body, the stored key is verified. A key in the
 * body concerns no stored organization, so it is verified before the organization is registered, too.
 */
export const KeyToVerify = z.strictObject({ api_key: ApiKey.optional() });

/** What is null is not known, or has a form that is not understood. */
const ClinikoAccount = OrganizationSettings.pick({ name: true }).extend({
  country: z.string().nullable(),
  time_zone: z.string().nullable(),
});
export type ClinikoAccount = z.infer<typeof ClinikoAccount>;

/** Response of `POST …/cliniko-credentials/verify`. */
export const KeyVerdict = z.object({
  /** `missing`: no key is stored. `unknown`: Cliniko did not answer properly, so the key may be valid. */
  verdict: z.enum(['valid', 'invalid', 'missing', 'unknown']),
  detail: z.string(),
  /** Of a valid key in the body: what Cliniko's public settings tell, to fill in a form. null: they could not be read. */
  account: ClinikoAccount.nullable().optional(),
});
export type KeyVerdict = z.infer<typeof KeyVerdict>;

function countryCodes(): string[] {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' });
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const codes = letters.flatMap((first) => letters.map((second) => first + second));
  return codes.filter((code) => !NO_COUNTRIES.has(code) && names.of(code) !== undefined);
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
