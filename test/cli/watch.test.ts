/** `npm run watch` as a real process, and a sync whose command ends before it. */
import { describe, expect, vi } from 'vitest';
import { followEverything, followOrganization } from '../../src/cli/follow.ts';
import { test } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { holdPage } from '../support/held-page.ts';
import { startTestServer } from '../support/server.ts';
import { run, startRefusingServer } from './support/command.ts';

describe('npm run watch', () => {
  test('shows the runs of one organization, however they start, until Ctrl-C', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const watch = run('watch', '--org', '123', '--url', server.url);
    await watch.says('This organization has never synced.\n');
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await watch.says('Sync completed: 60/60 patients (100% success)\n');
    server.cliniko.behaviour.access = 'unauthorised';
    await server.api('/cliniko/sync-active/123', { method: 'POST' });
    await watch.says('Invalid Cliniko credentials.');
    watch.child.kill('SIGINT');
    expect(await watch.exit).toBe(0);
    expect(watch.output()).not.toContain('\x1b');
  });

  test('shows all organizations, through a restart of the server, until Ctrl-C', async ({ databaseUrl }) => {
    const organizations = [1, 2];
    const port = await freePort();
    const config = { port, drainMs: 0 };
    const first = await startTestServer(databaseUrl, { organizations, patients: 20, config });
    const watch = run('watch', '--all', '--url', first.url);
    await watch.says('Watching all organizations.\n');
    await first.api('/cliniko/sync-all/1', { method: 'POST' });
    await watch.says('1: Sync completed: 20/20 patients (100% success)\n');
    await first.stop();
    await watch.says(/Server: connection lost since \d\d:\d\d:\d\d, trying again\n/);

    const again = { cliniko: first.cliniko, organizations: [], config: { port } };
    const second = await startTestServer(databaseUrl, again);
    await second.api('/cliniko/sync-all/2', { method: 'POST' });
    await watch.says('2: Sync completed: 20/20 patients (100% success)\n');
    watch.child.kill('SIGINT');
    expect(await watch.exit).toBe(0);
    expect(watch.output().match(/1: Sync completed/g)).toHaveLength(1);
  });

  test('ends with 2 when it is called wrongly, and with 1 when no server answers, or the server refuses', async () => {
    const refusing = await startRefusingServer(401, 'Send a token.');
    const commands = [
      run('watch'),
      run('watch', '--org', '1', '--all'),
      run('watch', '--all', '--url', 'http://127.0.0.1:1'),
      run('watch', '--org', '1', '--url', 'http://127.0.0.1:1'),
      run('watch', '--all', '--url', refusing.url, '--token', 'secret'),
      run('watch', '--org', '1', '--url', refusing.url),
    ];
    expect(await Promise.all(commands.map(({ exit }) => exit))).toEqual([2, 2, 1, 1, 1, 1]);
    const errors = commands.map((command) => command.errors());
    expect(errors[0]).toContain('Give either --org or --all.');
    expect(errors[2]).toContain('No server answers at http://127.0.0.1:1.');
    expect(errors[3]).toContain('No server answers at http://127.0.0.1:1.');
    expect(errors[4]).toBe(
      `The server at ${refusing.url} does not accept the token of --token (401): it is unknown, expired or revoked; npm run tokens -- create makes one.\n`,
    );
    expect(errors[5]).toBe(
      `The server at ${refusing.url} needs a token (401): set PATIENT_SYNC_TOKEN or PATIENT_SYNC_TOKEN_FILE; npm run tokens -- create makes one.\n`,
    );
    expect(refusing.authorizations).toContain('Bearer secret');
  });

  test('dates a lost connection by the last sign of the server', async () => {
    const { url } = await startRefusingServer(503, 'Not now.');
    const lost: Date[] = [];
    const handlers = { onLost: (since: Date) => lost.push(since), onBack: () => {}, onConnected: () => {} };
    const options = { handlers, limitMs: 1 };
    const logs = followOrganization({ url }, 123, options).getReader();
    const everything = followEverything({ url }, { ...handlers, onEvent: () => {} }, options);
    const lastSign = Date.now();
    const ends = [logs.read(), everything].map((end) =>
      expect(end).rejects.toThrow('The connection has been lost'),
    );
    await Promise.all(ends);
    expect(lost.map((since) => since.getTime() <= lastSign)).toEqual([true, true]);
  });
});
describe('a sync that is watched no longer', () => {
  test('continues, and Ctrl-C prints how to watch and cancel it', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    holdPage(server, 5);
    const sync = run('sync', '--org', '123', '--url', server.url);
    await sync.says(/Progress: /);
    sync.child.kill('SIGINT');
    const code = await sync.exit;
    expect({ code, errors: sync.errors() }).toEqual({ code: 130, errors: '' });
    expect(sync.output()).toMatch(/The sync continues \(organization 123, run \d+\)\.\n/);
    expect(sync.output()).toContain(`npm run watch -- --org 123 --url ${server.url}\n`);
    expect(sync.output()).toContain(`curl -X POST ${server.url}/api/v1/cliniko/sync-logs/123/`);
  });

  test('ends with 3 when the server does not come back within --timeout', async ({ databaseUrl }) => {
    const port = await freePort();
    const server = await startTestServer(databaseUrl, { config: { port, drainMs: 0 } });
    holdPage(server, 5);
    const sync = run('sync', '--org', '123', '--url', server.url, '--timeout', '1');
    await sync.says(/Progress: /);
    await server.stop();
    expect(await sync.exit).toBe(3);
    expect(sync.output()).toMatch(/connection lost since/);
    expect(sync.errors()).toBe(
      'The connection has been lost for 1 s (--timeout). Syncs on the server continue.\n',
    );
  });

  test.for([['sync'], ['watch']])('ends %s quietly with its reader', async ([name = ''], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 30 });
    const command = run(name, '--org', '123', '--url', server.url);
    await vi.waitFor(() => expect(command.output()).not.toBe(''), { timeout: 20_000, interval: 5 });
    command.child.stdout?.destroy();
    if (name === 'watch') await server.api('/cliniko/sync-all/123', { method: 'POST' });
    expect(await command.exit).toBe(0);
    expect(command.errors()).toBe('');
  });
});
