/** `npm run sync`, `npm run demo` and `patient-sync` as real processes, against a real server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.ts';
import { test } from '../support/database.ts';
import { newDataDir } from '../support/embedded.ts';
import { freePort } from '../support/free-port.ts';
import { holdPage } from '../support/held-page.ts';
import { newFolder } from '../support/new-folder.ts';
import { startTestServer } from '../support/server.ts';
import { run, runWith, startRefusingServer, watchCommand } from './support/command.ts';

describe('npm run sync', () => {
  test('shows a sync in plain lines in a pipe, and ends with it: 0 completed, 1 failed', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 30 });
    const first = run('sync', '--org', '123', '--url', `${server.url}/`);
    expect(await first.exit).toBe(0);
    const lines = first.output().trim().split('\n');
    expect(lines[0]).toMatch(/^Sync started \(organization 123, run \d+\)$/);
    expect(lines.at(-1)).toBe('Sync completed: 648/648 patients (100% success)');
    expect(lines.filter((line) => /^Progress: \d+\.\d% - \d+/.test(line)).length).toBeGreaterThan(3);
    expect(first.output()).not.toContain('\x1b');

    server.cliniko.behaviour.access = 'unauthorised';
    const second = run('sync', '--org', '123', '--url', server.url, '--mode', 'active');
    expect(await second.exit).toBe(1);
    expect(second.output()).toContain('Invalid Cliniko credentials. Please update your API settings.');
  });

  test('continues through a restart of its server', async ({ databaseUrl }) => {
    const port = await freePort();
    const first = await startTestServer(databaseUrl, { config: { port, drainMs: 0 } });
    const letGo = holdPage(first, 5);
    const sync = run('sync', '--org', '123', '--url', first.url);
    await sync.says(/Progress: [1-9]/);
    await first.stop();
    // A restart that is shorter than one poll is no lost connection.
    await sync.says(/connection lost/);
    await startTestServer(databaseUrl, { cliniko: first.cliniko, organizations: [], config: { port } });
    letGo();
    expect(await sync.exit).toBe(0);
    expect(sync.output()).toMatch(/Server: connection lost since \d\d:\d\d:\d\d, trying again\n/);
    expect(sync.output()).toMatch(/Server: connected again after \d+s\n/);
    const percents = [...sync.output().matchAll(/Progress: ([\d.]+)%/g)].map(([, percent]) =>
      Number(percent),
    );
    expect(percents).toEqual([...percents].sort((one, other) => one - other));
  });

  test.for([
    [['--org', '0'], '--org must be a whole number'],
    [['--org', '1', '--mode', 'half'], '--mode must be full, active or changed'],
    [[], '--org is missing.'],
    [['--organisation', '1'], 'Usage: npm run sync'],
    [['--org', '1', '--org=2'], "Option '--org' is given twice"],
  ] as const)('ends with 2 when it is called wrongly: %j', async ([args, message]) => {
    const command = run('sync', ...args);
    expect(await command.exit).toBe(2);
    expect(command.errors()).toContain(message);
  });

  test.for(['sync', 'watch', 'tokens', 'demo', 'erase'])('prints the usage of %s', async (name) => {
    const command = run(name, '--help');
    expect(await command.exit).toBe(0);
    expect(command.output()).toMatch(/^Usage: npm run /);
    expect(command.errors()).toBe('');
  });

  test('ends with 1 and one line when no server answers, or the server refuses', async () => {
    const unreachable = run('sync', '--org', '1', '--url', 'http://127.0.0.1:1');
    const refusing = await startRefusingServer(403, 'The token has no access to organization 1.');
    const refused = run('sync', '--org', '1', '--url', refusing.url, '--token', 'secret');
    expect(await unreachable.exit).toBe(1);
    expect(unreachable.errors()).toBe('No server answers at http://127.0.0.1:1. Start one: npm start\n');
    expect(await refused.exit).toBe(1);
    expect(refused.errors()).toBe('The token has no access to organization 1.\n');
    expect(refusing.authorizations).toEqual(['Bearer secret']);
  });

  test('names the page to which a proxy of the same host redirects', async () => {
    const proxy = await listen(
      createServer((_request, response) => {
        response.writeHead(302, { location: '/login?next=secret' }).end();
      }),
    );
    const url = `http://127.0.0.1:${proxy}`;
    const command = run('sync', '--org', '1', '--url', url);
    expect(await command.exit).toBe(1);
    expect(command.errors()).toMatch(`${url} redirects to ${url}/login. Set --url`);
  });

  test('names the address to use when a proxy redirects, and the certificate that cannot be verified', async () => {
    const redirecting = await listen(
      createServer((request, response) => {
        response.writeHead(301, { location: `https://sync.example.com${request.url}` }).end();
      }),
    );
    const certified = await listen(
      createTlsServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (_request, response) => response.end('{}')),
    );
    const [http, https] = [`http://127.0.0.1:${redirecting}`, `https://localhost:${certified}`];
    for (const [name, ...args] of [['sync', '--org', '1'], ['watch', '--org', '1'], ['overview']]) {
      const redirected = run(name ?? '', ...args, '--url', http, '--token', 'secret');
      const unverified = run(name ?? '', ...args, '--url', https);
      expect(await redirected.exit).toBe(1);
      expect(redirected.errors()).toBe(
        `${http} redirects to https://sync.example.com. Set --url or PATIENT_SYNC_URL to the address that answers itself.\n`,
      );
      expect(await unverified.exit).toBe(1);
      expect(unverified.errors()).toBe(
        `The certificate of ${https} cannot be verified (DEPTH_ZERO_SELF_SIGNED_CERT). Set NODE_EXTRA_CA_CERTS to the file of its certificate authority, or correct --url or PATIENT_SYNC_URL.\n`,
      );
    }
  });
});

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

describe('the server and its token', () => {
  test('may come from the environment, also from a file', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 20 });
    const sync = runWith({ PATIENT_SYNC_URL: server.url }, 'sync', '--org', '123', '--json');
    expect(await sync.exit).toBe(0);
    const lines = sync
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: 'started', organization_id: 123, already_running: false });
    expect(lines.at(-1)).toMatchObject({
      type: 'sync_log',
      log: { status: 'completed', records_success: 20 },
    });

    const refusing = await startRefusingServer(401, 'Send a token.');
    const file = join(await newFolder(), 'token');
    await writeFile(file, 'from-file\n');
    const url = { PATIENT_SYNC_URL: refusing.url };
    const commands = [
      runWith({ ...url, PATIENT_SYNC_TOKEN: 'from-variable' }, 'sync', '--org', '1'),
      runWith({ ...url, PATIENT_SYNC_TOKEN_FILE: file }, 'watch', '--org', '1'),
      runWith({ ...url, PATIENT_SYNC_TOKEN_FILE: file }, 'watch', '--all'),
    ];
    expect(await Promise.all(commands.map(({ exit }) => exit))).toEqual([1, 1, 1]);
    expect(commands[0]?.errors()).toContain('does not accept the token of PATIENT_SYNC_TOKEN (401)');
    expect(commands[1]?.errors()).toContain('does not accept the token of PATIENT_SYNC_TOKEN_FILE (401)');
    expect(commands[2]?.errors()).toContain('does not accept the token of PATIENT_SYNC_TOKEN_FILE (401)');
    expect(refusing.authorizations.sort()).toEqual([
      'Bearer from-file',
      'Bearer from-file',
      'Bearer from-variable',
    ]);
  });

  test.for([
    [{ PATIENT_SYNC_URL: 'localhost:8000' }, 'PATIENT_SYNC_URL must be the http or https address'],
    [{ PATIENT_SYNC_URL: 'http://user:secret@localhost' }, 'without a user name, a password or a query'],
    [{ PATIENT_SYNC_TOKEN: 'se\ncret' }, 'PATIENT_SYNC_TOKEN must hold a token'],
    [{ PATIENT_SYNC_TOKEN_FILE: '/nowhere' }, 'PATIENT_SYNC_TOKEN_FILE must be the path of a file'],
    [
      { PUBLIC_URL: 'people.example' },
      'PUBLIC_URL must be the http or https address',
      'sign-in-link',
      '--id',
    ],
  ] as const)(
    'end the command with one line when they are wrong: %j',
    async ([environment, message, name = 'watch', option = '--org']) => {
      const command = runWith(environment, name, option, '1');
      expect(await command.exit).toBe(2);
      expect(command.errors().trim().split('\n')).toHaveLength(1);
      expect(command.errors()).toContain(message);
      expect(command.errors()).not.toContain('secret');
    },
  );

  test('beside a server is found by the variables of the server', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 1, config: { basePath: '/sync' } });
    const { port } = new URL(server.url);
    const command = runWith({ PORT: port, BASE_PATH: '/sync' }, 'sync', '--org', '123');
    expect(await command.exit).toBe(0);
    const nowhere = runWith({ PORT: '1' }, 'overview');
    expect(await nowhere.exit).toBe(1);
    expect(nowhere.errors()).toContain('No server answers at http://localhost:1.');
  });

  test('that is no Patient Sync server is named', async () => {
    const other = createServer((_request, response) => response.end('<html>hello</html>'));
    await once(other.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void other.close());
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const command = run('sync', '--org', '1', '--url', url);
    expect(await command.exit).toBe(1);
    expect(command.errors()).toMatch(/^The program at \S+ is not a Patient Sync server, .*\n$/);
  });

  test('shows what a server says without its control characters', async () => {
    const refusing = await startRefusingServer(403, 'No\u001b[2J\r\nway');
    const command = run('sync', '--org', '1', '--url', refusing.url);
    expect(await command.exit).toBe(1);
    expect(command.errors()).toBe('No\\u001b[2J\\r\\nway\n');
  });
});

describe('npm run demo', () => {
  test('on a taken port ends with the sentence of npm start', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const demo = runWith({ DATA_DIR: await newDataDir() }, 'demo', '--port', String(port));
    expect(await demo.exit).toBe(1);
    expect(demo.errors()).toBe(
      `PORT is taken by another program; it was "${port}". Set PORT to another one, or to 0 for any free port.\n`,
    );
  });

  test('whose output has no reader completes its sync, and leaves no PostgreSQL running', async () => {
    const folder = await newDataDir();
    const demo = runWith({ DATA_DIR: folder }, 'demo', '--once', '--patients', '120', '--port', '0');
    await demo.says(/listens on/);
    demo.child.stdout?.destroy();
    expect(await demo.exit).toBe(0);
    expect(existsSync(join(folder, 'postgres/data/PG_VERSION'))).toBe(true);
    expect(existsSync(join(folder, 'postgres/data/postmaster.pid'))).toBe(false);
  });

  test('serves pages of the origins in ALLOWED_ORIGINS, where a developer tries the element', async () => {
    const origin = 'http://localhost:3000';
    const demo = runWith(
      { DATA_DIR: await newDataDir(), ALLOWED_ORIGINS: origin },
      'demo',
      ...['--patients', '1', '--port', '0'],
    );
    await demo.says(/listens on http/);
    const url = /listens on (http:\S+?),/.exec(demo.output())?.[1];
    const answer = await fetch(`${url}/api/v1/cliniko/sync-logs/123`, { headers: { origin } });
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    demo.child.kill('SIGINT');
    expect(await demo.exit).toBe(0);
  });

  test('that cannot keep its data ends with one line', async () => {
    const demo = runWith({ DATA_DIR: '/dev/null/demo' }, 'demo', '--port', '0');
    expect(await demo.exit).toBe(1);
    expect(demo.errors().trim().split('\n')).toHaveLength(1);
  });
});

describe('patient-sync', () => {
  const program = (...args: string[]) =>
    watchCommand(
      spawn(process.execPath, ['bin/patient-sync.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
    );

  test('names the Node that it needs, before it loads anything else', async () => {
    const old =
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } })";
    const preload = ['--import', `data:text/javascript,${encodeURIComponent(old)}`];
    for (const name of ['serve', 'sync']) {
      const command = watchCommand(
        spawn(process.execPath, [...preload, 'bin/patient-sync.js', name], {
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      );
      expect(await command.exit).toBe(1);
      expect(command.errors()).toBe(
        'Patient Sync needs Node 20.19 or newer; this is 18.20.4. Install the active LTS from https://nodejs.org.\n',
      );
    }
  });

  test('lists its commands, and names an unknown one', async () => {
    const help = program('--help');
    expect(await help.exit).toBe(0);
    for (const name of ['serve', 'demo', 'sync', 'watch', 'tokens', 'erase', 'migrate']) {
      expect(help.output()).toMatch(new RegExp(`^  ${name} `, 'm'));
    }
    const unknown = program('snyc');
    expect(await unknown.exit).toBe(2);
    expect(unknown.errors()).toContain('Unknown command "snyc".');
  });
});
