/** Metadata of other programs in what clients get: the usable keys as they were written, and a percentage that is a number. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderMetadata, type ShownLog } from '../../src/events/render-metadata.ts';

const LOG: ShownLog = {
  id: 1,
  organization_id: 123,
  source_system: 'cliniko',
  operation_type: 'patient_sync',
  status: 'running',
  started_at: '2026-11-30T10:00:00.000Z',
  completed_at: null,
  records_processed: 0,
  records_success: 0,
  records_failed: 0,
  error_details: null,
  created_at: '2026-11-30T10:00:00.000Z',
  updated_at: '2026-11-30T10:00:00.000Z',
  cursor: 'epoch.1',
};

describe('metadata with a percentage that is no number', () => {
  test('keeps the digits of its other numbers', () => {
    const text = '{"big": 12345678901234567890, "in": {"progress_percent": 1}, "progress_percent": "45"}';
    const rendered = renderMetadata(text, LOG, 'running');
    expect(rendered).toContain('"big": 12345678901234567890');
    expect(JSON.parse(rendered)).toMatchObject({ progress_percent: 0, in: { progress_percent: 1 } });
  });

  test('keeps all other keys, wherever the percentage is', () => {
    const keys = fc.constantFrom('a', 'b', 'progress_percent', 'a"b', 'x,}{', '\\');
    const percentage = fc.constantFrom(null, 'many', [], { progress_percent: [1] }, true);
    fc.assert(
      fc.property(fc.dictionary(keys, fc.jsonValue()), percentage, fc.boolean(), (others, odd, isFirst) => {
        const { progress_percent: _other, ...rest } = others;
        const value = isFirst ? { progress_percent: odd, ...rest } : { ...rest, progress_percent: odd };
        for (const spaces of [0, 1]) {
          const rendered = renderMetadata(JSON.stringify(value, null, spaces), LOG, 'running');
          expect(JSON.parse(rendered)).toEqual({
            ...JSON.parse(renderMetadata('{}', LOG, 'running')),
            ...JSON.parse(JSON.stringify(rest)),
          });
        }
      }),
    );
  });
});

describe('metadata with a total that no number of JavaScript can hold', () => {
  test('has no null where old clients print a count', () => {
    const rendered = JSON.parse(renderMetadata('{"patients_found": 1e400}', LOG, 'running'));
    expect(rendered).toMatchObject({ total_patients: 0, patients_to_store: 0 });
  });
});
