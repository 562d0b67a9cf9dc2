/**
 * Copies the history of the old `sync_logs`, or only says what it would copy. Each portion commits for itself, and a row that
 * is copied names its source, so an import that stopped continues when it is started again.
 */
import type { Sql } from 'postgres';
import type { OperationType } from '#contract/sync-log.ts';
import { appendAudit } from '../../audit/append.ts';
import { OrganizationDeletedError } from '../../organizations/organization-lock.ts';
import { LegacyImportError } from './error.ts';
import { type HistoryRow, toHistoryRow, word } from './history-row.ts';
import { type LegacyRow, type LegacySource, NO_ORGANIZATION } from './legacy-source.ts';
import { findImported, sourceKey, writeHistory } from './write-history.ts';

export interface ImportOptions {
  /** From organization ids of the old system to ours. */
  organizations: ReadonlyMap<string, number>;
  /** Operation types beside those that the old system is known to have. */
  operations: ReadonlyMap<string, OperationType>;
  /** False: a dry run. */
  apply: boolean;
}

interface OrganizationReport {
  legacyId: string;
  organizationId: number;
  rows: number;
  /** Copied now, or in a dry run: to be copied. */
  copied: number;
  copiedBefore: number;
  leftOut: number;
}

export interface ImportReport {
  table: string;
  organizations: OrganizationReport[];
  /** Organizations of the old system that are not in the mapping, and their rows. */
  unmapped: { legacyId: string; rows: number }[];
  /** From `<old> -> <new>` to rows, of those that are copied. */
  statuses: Map<string, number>;
  operations: Map<string, number>;
  leftOut: Map<string, number>;
  /** Rows of which an error text was replaced by a sentence of ours. */
  reduced: number;
}

/** @throws LegacyImportError */
export async function importHistory(
  sql: Sql,
  source: LegacySource,
  options: ImportOptions,
): Promise<ImportReport> {
  const report = startReport(source, options);
  try {
    for await (const portion of source.portions([...options.organizations.keys()])) {
      for (const [organization, rows] of byOrganization(portion)) {
        await importPortion(sql, organization, rows, { options, report });
      }
    }
  } catch (error) {
    if (!(error instanceof OrganizationDeletedError)) throw error;
    throw new LegacyImportError(`${error.message} Register it, then start the import again.`, {
      cause: error,
    });
  } finally {
    // Also after a failure: what was committed stays.
    if (options.apply) await auditCopied(sql, report.organizations);
  }
  return report;
}

function startReport(source: LegacySource, { organizations }: ImportOptions): ImportReport {
  const withoutOrganization = source.counts.get(NO_ORGANIZATION) ?? 0;
  return {
    table: source.table.name,
    organizations: [...organizations].map(([legacyId, organizationId]) => ({
      legacyId,
      organizationId,
      rows: source.counts.get(legacyId) ?? 0,
      copied: 0,
      copiedBefore: 0,
      leftOut: 0,
    })),
    unmapped: [...source.counts]
      .filter(([legacyId]) => legacyId !== NO_ORGANIZATION && !organizations.has(legacyId))
      .map(([legacyId, rows]) => ({ legacyId, rows })),
    statuses: new Map(),
    operations: new Map(),
    leftOut: new Map(withoutOrganization === 0 ? [] : [['without an organization', withoutOrganization]]),
    reduced: 0,
  };
}

function byOrganization(rows: readonly LegacyRow[]): Map<string, LegacyRow[]> {
  const groups = new Map<string, LegacyRow[]>();
  for (const row of rows) {
    const group = groups.get(row.organization);
    if (group === undefined) groups.set(row.organization, [row]);
    else group.push(row);
  }
  return groups;
}

interface Progress {
  options: ImportOptions;
  report: ImportReport;
}

async function importPortion(
  sql: Sql,
  legacyId: string,
  portion: readonly LegacyRow[],
  { options, report }: Progress,
): Promise<void> {
  const counts = report.organizations.find((one) => one.legacyId === legacyId);
  if (counts === undefined) return;
  const rows: HistoryRow[] = [];
  for (const old of portion) {
    const conversion = toHistoryRow(old, options.operations);
    if ('leftOut' in conversion) {
      counts.leftOut += 1;
      increment(report.leftOut, conversion.leftOut);
      continue;
    }
    const { row } = conversion;
    rows.push(row);
    increment(report.statuses, `${word(old.status)} -> ${row.status}`);
    increment(report.operations, `${word(old.operation)} -> ${row.operationType}`);
    if (row.isReduced) report.reduced += 1;
  }
  if (rows.length === 0) return;
  const copied = options.apply
    ? await writeHistory(sql, counts.organizationId, rows)
    : await countMissing(sql, counts.organizationId, rows);
  counts.copied += copied;
  counts.copiedBefore += rows.length - copied;
}

async function countMissing(sql: Sql, organizationId: number, rows: readonly HistoryRow[]): Promise<number> {
  const known = await findImported(sql, organizationId, rows);
  return rows.filter(({ source }) => !known.has(sourceKey(source))).length;
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

async function auditCopied(sql: Sql, organizations: readonly OrganizationReport[]): Promise<void> {
  for (const { organizationId, copied } of organizations.filter((one) => one.copied > 0)) {
    await appendAudit(sql, {
      organizationId,
      actor: 'command line',
      action: 'history.import',
      details: { count: copied },
    });
  }
}
