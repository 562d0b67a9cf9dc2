/** Nothing that comes from outside moves the cursor, hides, or turns around on a terminal or in a pretty log. */
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SyncLog } from '#contract/sync-log.ts';
import { barLine, endLine, organizationLine, plainLine } from '../../src/cli/progress-line.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { terminalText } from '../../src/logging/terminal-text.ts';
import { aLog } from '../web-client/support/logs.ts';

const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/;
const HOSTILE = 'a\x1b[2J\x1b]0;title\x07b\r\nc\x9b31md\u202ee\u2066f\u200bg\u2028h\x7f\ud800i';

const anyText = fc.string({
  unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom(...HOSTILE)),
});

describe('text for a terminal', () => {
  test('shows what is not visible as an escape, and leaves the rest', () => {
    expect(terminalText(HOSTILE)).toBe(
      String.raw`a\u001b[2J\u001b]0;title\u0007b\r\nc\u009b31md\u202ee\u2066f\u200bg\u2028h\u007f\ud800i`,
    );
    expect(terminalText('\u{e0041}')).toBe(String.raw`\udb40\udc41`);
    const plain = '✅ Sync completed: Zoë, 李, नमस्ते (100%) \\ " ⚠️';
    expect(terminalText(plain)).toBe(plain);
  });

  test('is one line without anything unsafe, and the same text within JSON', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(terminalText(text)).not.toMatch(UNSAFE);
        const json = JSON.stringify({ text });
        expect(JSON.parse(terminalText(json))).toEqual({ text });
      }),
    );
  });
});

describe('a run of a foreign program', () => {
  const hostile = (status: SyncLog['status']): SyncLog => {
    const log = aLog({ status, percent: 40, error_details: HOSTILE });
    const metadata = {
      ...log.metadata,
      solution: HOSTILE,
      errors: [HOSTILE],
      waiting_reason: HOSTILE,
      waiting_until: HOSTILE,
      estimated_remaining: HOSTILE,
      error_type: HOSTILE,
    };
    return { ...log, records_failed: 1, metadata };
  };

  test.for([['running'], ['completed'], ['failed']] as const)(
    'that is %s is shown without harm',
    ([status]) => {
      const log = hostile(status);
      const waiting = { ...log, metadata: { ...log.metadata, phase: 'waiting' as const } };
      for (const shown of [log, waiting]) {
        const lines = [
          barLine(shown, { columns: 400 }),
          plainLine(shown),
          organizationLine({ id: 1, log: shown }, { columns: 400 }),
          ...endLine(shown).split('\n  '),
        ];
        for (const line of lines) expect(line).not.toMatch(UNSAFE);
      }
    },
  );
});

test('a line of the pretty log is one line, whatever its message and fields hold', () => {
  let written = '';
  const output = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk);
      done();
    },
  });
  const logger = createLogger({ level: 'trace', format: 'pretty', colour: false }, output);
  logger.warn({ why: HOSTILE, [HOSTILE]: 1 }, HOSTILE);
  logger.info(HOSTILE);
  const lines = written.split('\n');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).not.toMatch(UNSAFE);
});
