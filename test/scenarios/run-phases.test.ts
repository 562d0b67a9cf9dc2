/** The phases that clients receive follow the table of src/contract/sync-phase.ts. */
import { describe, expect, test as plain } from 'vitest';
import { Timeline } from '../../src/contract/stream-event.ts';
import type { SyncPhase } from '../../src/contract/sync-log.ts';
import { PHASE_TRANSITIONS, SYNC_PHASES } from '../../src/contract/sync-phase.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';
import { readTimeline } from '../support/timeline.ts';

describe('the phases of a run', () => {
  plain('lead only to phases, and from each to an end', () => {
    const open = SYNC_PHASES.filter((phase) => Object.keys(PHASE_TRANSITIONS[phase]).length > 0);
    for (const phase of open) {
      const next = Object.keys(PHASE_TRANSITIONS[phase]);
      expect(SYNC_PHASES).toEqual(expect.arrayContaining(next));
      expect(next).toContain('failed');
    }
    expect(SYNC_PHASES.filter((phase) => !open.includes(phase))).toEqual(['completed', 'failed']);
  });

  test.for([0, 1, 60])(
    'are published in a legal order for a clinic of %i',
    async (count, { databaseUrl }) => {
      const engine = await openEngine(databaseUrl);
      const source = scriptedSource(people(count));
      source.onPage(count > 10 ? 2 : 1, async (query, options) => {
        options.onWait?.({ until: new Date(Date.now() + 60_000), reason: 'rate-limited' });
        await new Promise(setImmediate);
        return scriptedSource(people(count)).page(query, options);
      });
      const { id } = await engine.syncWith(source);

      const { events } = await readTimeline(engine.sql, 123, id);
      const logged = Timeline.parse(JSON.parse(`{"events":[${events.join(',')}],"trimmed":false}`)).events;
      const phases = logged.map(({ log }): SyncPhase => log?.metadata.phase ?? 'queued');
      expect(phases.at(0)).toBe('queued');
      expect(phases.at(-1)).toBe('completed');
      for (const [index, phase] of phases.entries()) {
        const from = phases[index - 1] ?? 'queued';
        const isLegal = from === phase || Object.hasOwn(PHASE_TRANSITIONS[from], phase);
        expect({ from, to: phase, isLegal }).toMatchObject({ isLegal: true });
      }
    },
  );
});
