/** What the benchmark of nudges publishes. */
export const ORGANIZATIONS = 1_000;

export const subjectOf = (organization: number | '*'): string => `bench.organization.${organization}`;
