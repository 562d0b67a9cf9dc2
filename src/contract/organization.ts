/** An organization (a clinic) and what may be set about it. */
import { z } from 'zod';

/** What to do with a patient whose data is poor. The defaults store the patient and count a warning. */
export const ValidationPolicy = z.strictObject({
  /** `reject` quarantines a patient with a phone number that is none. */
  phone: z.enum(['warn', 'reject']).default('warn'),
  /** `require` quarantines a patient without an email address. */
  email: z.enum(['optional', 'require']).default('optional'),
});
export type ValidationPolicy = z.infer<typeof ValidationPolicy>;

/** Body of `PUT /api/v1/organizations/:orgId`: the whole of it; what is left out takes its default. */
export const OrganizationSettings = z.strictObject({
  name: z.string().trim().min(1).max(200).nullable().default(null),
  /** ISO 3166-1 alpha-2, for phone numbers typed without a country. */
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .default('AU'),
  /** IANA name. */
  time_zone: z.string().refine(isTimeZone, 'must be an IANA time zone').default('Australia/Sydney'),
  validation: ValidationPolicy.prefault({}),
});
export type OrganizationSettings = z.infer<typeof OrganizationSettings>;

export const Organization = z.object({
  organization_id: z.int(),
  ...OrganizationSettings.shape,
  has_credentials: z.boolean(),
});
export type Organization = z.infer<typeof Organization>;

/** Body of `PUT …/cliniko-credentials`. Write only: no answer ever holds the key. */
export const ClinikoCredentials = z.strictObject({
  api_key: z
    .string()
    .trim()
    .min(8)
    .max(512)
    .regex(/^[\x21-\x7e]+$/, 'must be one word of printable characters'),
});

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
