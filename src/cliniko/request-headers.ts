/** The headers that Cliniko requires in each request. */

/** Without an address the header keeps its form, and Cliniko cannot write to the operator. */
const NO_CONTACT = 'patient-sync@localhost.invalid';

/** For the operator. */
export const CONTACT_IS_MISSING =
  'CLINIKO_CONTACT_EMAIL is not set. Cliniko requires an address in each request, and may block a program without one: set it to yours.';

/** @param contactEmail where Cliniko can write when it has questions about the requests; undefined: none is configured */
export function requestHeaders(apiKey: string, contactEmail: string | undefined): Record<string, string> {
  return {
    authorization: `Basic ${Buffer.from(`${apiKey}:`).toString('base64')}`,
    'user-agent': `PatientSync (${contactEmail ?? NO_CONTACT})`,
    accept: 'application/json',
  };
}
