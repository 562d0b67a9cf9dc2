/** The names of the checks of a soak that failed. */
import type { Findings } from '../../soak/findings.ts';

export function failedChecks(findings: Findings): string[] {
  return findings.counts().flatMap(({ check, failed }) => (failed > 0 ? [check] : []));
}
