/**
 * A process that opens the embedded database, reports it in one line of JSON, and stops when its standard input ends.
 * open.test.ts starts it, and kills some instances.
 */
import { once } from 'node:events';
import { openEmbeddedDatabase } from '../../src/embedded-postgres/open.ts';

const [dataDir = ''] = process.argv.slice(2);
const { stop, ...opened } = await openEmbeddedDatabase({ dataDir, settings: { fsync: 'off' } });
process.stdout.write(`${JSON.stringify(opened)}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
await stop();
