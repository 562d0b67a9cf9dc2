import { describe, expect, test } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { ALL_PATIENTS, ask, askList, headersFor, list, open } from './support/requests.ts';

describe('the key', () => {
  test('is valid with and without its shard', async () => {
    const simulator = await open({ apiKey: 'MxAbc123-uk2' });
    for (const key of ['MxAbc123-uk2', 'MxAbc123']) {
      expect((await ask(simulator, '/patients', { headers: headersFor(key) })).status).toBe(200);
    }
  });

  test.each([
    ['another key', headersFor('MxOther-au1').authorization],
    ['a password', `Basic ${Buffer.from('MxAbc123-uk2:secret').toString('base64')}`],
    ['another scheme', 'Bearer MxAbc123-uk2'],
    ['nothing at all', ''],
  ])('is refused as text, not JSON, when it is %s', async (_, authorization = '') => {
    const simulator = await open({ apiKey: 'MxAbc123-uk2' });
    const response = await ask(simulator, '/patients', { headers: { authorization } });
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toMatch('text/html');
    expect(await response.text()).toBe('HTTP Basic: Access denied.\n');
  });

  test('can be revoked, and its user can lose the right to see patients', async () => {
    const simulator = await open();
    simulator.behaviour.access = 'unauthorised';
    expect((await askList(simulator)).status).toBe(401);
    simulator.behaviour.access = 'forbidden';
    expect((await askList(simulator)).status).toBe(403);
    expect((await ask(simulator, '/user')).status).toBe(200);
    simulator.behaviour.access = 'allowed';
    expect((await askList(simulator)).status).toBe(200);
  });

  test('is one of several when the user has several', async () => {
    const simulator = await open({ otherApiKeys: ['MxSecond-au1'] });
    expect((await ask(simulator, '/user', { headers: headersFor('MxSecond-au1') })).status).toBe(200);
  });

  test('is never recorded', async () => {
    const simulator = await open();
    await askList(simulator);
    const written = JSON.stringify(simulator.requests);
    expect(written).not.toContain(simulator.apiKey);
    expect(written).not.toContain(headersFor(simulator.apiKey).authorization);
  });
});

describe('the mandatory headers', () => {
  const poor = { ...headersFor('x'), 'user-agent': 'curl', accept: '*/*' };

  test('are noted when they are invalid', async () => {
    const simulator = await open();
    const { authorization = '' } = headersFor(simulator.apiKey);
    expect((await ask(simulator, '/patients', { headers: { ...poor, authorization } })).status).toBe(200);
    await askList(simulator);
    expect(simulator.requests.map(({ violations }) => violations)).toEqual([['User-Agent', 'Accept'], []]);
  });

  test('are required when the switch is set', async () => {
    const simulator = await open({ behaviour: { headers: 'strict' } });
    const { authorization = '' } = headersFor(simulator.apiKey);
    expect((await ask(simulator, '/patients', { headers: { ...poor, authorization } })).status).toBe(400);
    expect((await askList(simulator)).status).toBe(200);
  });
});

describe('a list of patients', () => {
  test('has pages of fifty, oldest first, without archived patients', async () => {
    const simulator = await open({ patients: 120 });
    const page = await list(simulator);
    expect(page.patients).toHaveLength(50);
    expect(page.total_entries).toBe(simulator.people.countActive());
    expect(page.patients.every(({ archived_at }) => archived_at === null)).toBe(true);
    const created = page.patients.map(({ created_at }) => String(created_at));
    expect(created).toEqual(created.toSorted());
  });

  test('has pages of 100 at most, and can reject a larger per_page', async () => {
    const simulator = await open({ patients: 250 });
    expect((await list(simulator, { per_page: 500 })).patients).toHaveLength(100);
    simulator.behaviour.perPageTooBig = 'refuse';
    expect((await askList(simulator, { per_page: 500 })).status).toBe(400);
  });

  test.each([0, -3, 'many'])('ignores page and per_page of %s, or rejects them', async (nonsense) => {
    const simulator = await open();
    const page = await list(simulator, { page: nonsense, per_page: nonsense });
    expect(page).toMatchObject(await list(simulator, { page: 1, per_page: 50 }));
    simulator.behaviour.paramNonsense = 'refuse';
    expect((await askList(simulator, { page: nonsense })).status).toBe(400);
  });

  test('links to its neighbours with all parameters', async () => {
    const simulator = await open({ patients: 30 });
    const question = { per_page: 10, filters: ALL_PATIENTS, sort: 'updated_at:asc,id:asc' };
    const [first, second, last] = [
      await list(simulator, question),
      await list(simulator, { ...question, page: 2 }),
      await list(simulator, { ...question, page: 3 }),
    ];
    const carried = 'q%5B%5D=archived_at%3A%2A&sort=updated_at%3Aasc%2Cid%3Aasc';
    const link = (page: number) => `${simulator.url}/patients?page=${page}&per_page=10&${carried}`;
    expect(first.links).toEqual({ self: link(1), next: link(2) });
    expect(second.links).toEqual({ self: link(2), previous: link(1), next: link(3) });
    expect(last.links).toEqual({ self: link(3), previous: link(2) });
  });

  test('writes null for a missing link when the switch is set', async () => {
    const simulator = await open({ patients: 5, behaviour: { unsetLinks: null } });
    expect((await list(simulator)).links).toMatchObject({ previous: null, next: null });
  });

  test('is empty past its end, or not found', async () => {
    const simulator = await open({ patients: 20 });
    const page = await list(simulator, { page: 9, filters: ALL_PATIENTS });
    expect(page).toMatchObject({ patients: [], total_entries: 20 });
    expect(page.links).not.toHaveProperty('next');
    simulator.behaviour.pastTheEnd = 'not-found';
    expect((await askList(simulator, { page: 9 })).status).toBe(404);
  });

  test('of an empty clinic is empty', async () => {
    const simulator = await open({ patients: 0 });
    expect(await list(simulator)).toMatchObject({ patients: [], total_entries: 0 });
  });

  test('ignores filters that an HTTP library encoded incorrectly', async () => {
    const simulator = await open();
    for (const garbled of ['q=archived_at:*', 'q[0]=archived_at:*', 'q[][]=archived_at:*']) {
      const page = await (await ask(simulator, `/patients?${garbled}`)).json();
      expect(page.total_entries).toBe(simulator.people.countActive());
    }
  });
});

describe('one patient', () => {
  test('is the same record as in the list', async () => {
    const simulator = await open();
    const [listed] = (await list(simulator)).patients;
    expect(await (await ask(simulator, `/patients/${listed?.id}`)).json()).toEqual(listed);
  });

  test('is hidden when archived, unless archived ones are requested', async () => {
    const simulator = await open();
    const id = simulator.people.idOf(0);
    simulator.people.archive(id);
    expect((await ask(simulator, `/patients/${id}`)).status).toBe(404);
    expect((await ask(simulator, `/patients/${id}?q[]=archived_at:*`)).status).toBe(200);
    simulator.behaviour.archivedById = 'shown';
    expect((await ask(simulator, `/patients/${id}`)).status).toBe(200);
  });

  test('is not found when unknown or permanently deleted', async () => {
    const simulator = await open();
    const id = simulator.people.idOf(0);
    simulator.people.hardDelete(id);
    for (const gone of [id, '1', '9999999999999999999', 'archived']) {
      expect((await ask(simulator, `/patients/${gone}?q[]=archived_at:*`)).status).toBe(404);
    }
  });
});

describe('the server', () => {
  test('answers only GET, and records every request', async () => {
    const simulator = await open();
    const id = simulator.people.idOf(0);
    const before = simulator.people.record(id);
    for (const [method, path] of [
      ['POST', '/patients'],
      ['PATCH', `/patients/${id}`],
      ['PUT', `/patients/${id}`],
      ['DELETE', `/patients/${id}`],
      ['POST', `/patients/${id}/archive`],
    ] as const) {
      expect((await ask(simulator, path, { method })).status).toBe(405);
    }
    expect(simulator.requests.map(({ method }) => method)).toEqual([
      'POST',
      'PATCH',
      'PUT',
      'DELETE',
      'POST',
    ]);
    expect(simulator.people.record(id)).toEqual(before);
  });

  test('serves the owner of the key and the settings, and no other route', async () => {
    const simulator = await open();
    expect(await (await ask(simulator, '/user')).json()).toHaveProperty('id');
    expect(await (await ask(simulator, '/settings/public')).json()).toHaveProperty('account');
    expect((await ask(simulator, '/appointments')).status).toBe(404);
    simulator.behaviour.errorBody = 'empty';
    expect(await (await ask(simulator, '/appointments')).text()).toBe('');
  });

  test('records each request, its answer, and the number of concurrent requests', async () => {
    const simulator = await open();
    simulator.faults.onEvery({ kind: 'hang', times: 3 });
    const pages = [1, 2, 3].map((page) => list(simulator, { page, per_page: 10, filters: ALL_PATIENTS }));
    await simulator.requested(({ inFlight }) => inFlight === 3);
    simulator.faults.release();
    await Promise.all(pages);
    await ask(simulator, '/user');
    const [first] = simulator.requests;
    expect(first).toMatchObject({ method: 'GET', path: '/v1/patients', status: 200, violations: [] });
    expect(first?.query).toMatch(/^q\[\]=archived_at:\*&/);
    expect(simulator.requests.map(({ page }) => page).toSorted()).toEqual([1, 2, 3, null]);
    expect(Math.max(...simulator.requests.map(({ inFlight }) => inFlight))).toBe(3);
    expect(simulator.requests.at(-1)).toMatchObject({ path: '/v1/user', inFlight: 1 });
  });

  test('survives invalid addresses', async () => {
    const simulator = await open();
    expect((await ask(simulator, '//x/%E0%A4%A')).status).toBe(404);
    expect((await ask(simulator, '/patients?q[]=%E0%A4%A')).status).toBe(400);
  });

  test('serves the same bytes from cached pages, until a patient is edited', async () => {
    const [drawn, kept] = [await open({ port: 0 }), await open({ cachedPages: 1 })];
    const patients = async (simulator: typeof drawn) => (await list(simulator)).patients;
    expect(await patients(kept)).toEqual(await patients(drawn));
    expect(await patients(kept)).toEqual(await patients(drawn));
    kept.people.edit(kept.people.idOf(0), { first_name: 'Edited' });
    expect((await patients(kept))[0]?.first_name).toBe('Edited');
  });

  test('fails when its port is in use or its clinic too large', async () => {
    const simulator = await open();
    await expect(startClinikoSimulator({ patients: 1, port: simulator.port })).rejects.toThrow('EADDRINUSE');
    await expect(startClinikoSimulator({ patients: 1e9 })).rejects.toThrow(RangeError);
  });
});
