/** What `npm run db:import-legacy` prints: lines for people, or with `--json` one object a line. Counts and ids only. */
import { formatCount } from '#contract/count.ts';
import type { ImportReport } from '../legacy/import/import-history.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { jsonLine, type Screen } from './screen.ts';

export interface ImportOutcome {
  report: ImportReport;
  /** False: a dry run. */
  applied: boolean;
  /** Old times without a zone were read as UTC, because nothing else was said. */
  assumedUtc: boolean;
}

export function printReport(screen: Screen, { report, applied, assumedUtc }: ImportOutcome): void {
  const say = (line: string) => screen.write(`${terminalText(line)}\n`);
  say(`The old table is ${report.table}.`);
  if (assumedUtc) {
    say(
      'Its times have no time zone and were read as UTC: --timezone names the zone that the old system wrote.',
    );
  }
  for (const one of report.organizations) {
    say(
      `${one.legacyId} -> ${one.organizationId}: ${count(one.rows)} in the old table; ${formatCount(one.copied)} ${applied ? 'copied' : 'to copy'}, ${formatCount(one.copiedBefore)} copied before, ${formatCount(one.leftOut)} left out`,
    );
  }
  for (const [change, rows] of sorted(report.statuses)) say(`Status ${change}: ${count(rows)}`);
  for (const [change, rows] of sorted(report.operations)) say(`Operation ${change}: ${count(rows)}`);
  for (const [reason, rows] of sorted(report.leftOut)) say(`Left out, ${reason}: ${count(rows)}`);
  if (report.reduced > 0) {
    say(
      `Reduced: ${count(report.reduced)} had an error text, which may name patients. Each gets a sentence without names.`,
    );
  }
  for (const { legacyId, rows } of report.unmapped) {
    say(`Not mapped: ${legacyId}, ${count(rows)}. --map ${legacyId}=ID copies them.`);
  }
  say(
    applied
      ? 'Done. Started again, it copies only what was added in between.'
      : 'This was a dry run: nothing was copied. Add --apply to copy.',
  );
}

export function printJson(screen: Screen, { report, applied, assumedUtc }: ImportOutcome): void {
  const print = (value: object) => screen.write(jsonLine(value));
  for (const { legacyId, organizationId, rows, copied, copiedBefore, leftOut } of report.organizations) {
    print({
      type: 'organization',
      legacy_id: legacyId,
      organization_id: organizationId,
      rows,
      copied,
      copied_before: copiedBefore,
      left_out: leftOut,
    });
  }
  for (const { legacyId, rows } of report.unmapped) print({ type: 'unmapped', legacy_id: legacyId, rows });
  print({
    type: 'report',
    applied,
    table: report.table,
    assumed_utc: assumedUtc,
    copied: sum(report.organizations.map(({ copied }) => copied)),
    copied_before: sum(report.organizations.map(({ copiedBefore }) => copiedBefore)),
    statuses: Object.fromEntries(report.statuses),
    operations: Object.fromEntries(report.operations),
    left_out: Object.fromEntries(report.leftOut),
    reduced: report.reduced,
  });
}

const count = (rows: number): string => `${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}`;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
const sorted = (counts: ReadonlyMap<string, number>) => [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
