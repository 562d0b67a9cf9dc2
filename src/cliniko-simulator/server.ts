/**
 * A simulated Cliniko: a local HTTP server that behaves like Cliniko's patient API, as far as that is known, with
 * fictional patients.
 *
 * The same seed gives the same clinic, record for record. Unknown behaviour of Cliniko is a switch (behaviour.ts), a
 * failure is a fault (faults.ts), a change during a scan is churn (churn.ts). Only GET is served; any other method is
 * recorded and rejected, so that a test can check that no client tried to write.
 *
 * Not here: HTTPS and the choice of a host by shard, which are the client's part.
 */
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Answer, accessDenied, failure, json, tooManyRequests } from './answer.ts';
import { type Behaviour, USUAL_BEHAVIOUR } from './behaviour.ts';
import { type Churn, type ChurnBox, createChurn } from './churn.ts';
import { DEFAULT_API_KEY, headerViolations, isAdmitted, shardOf } from './credentials.ts';
import { createFaults, type FaultBox, type Faults } from './faults.ts';
import { createJournal, type Journal, type SimulatedRequest } from './journal.ts';
import { createPatientList, type PatientList } from './patient-list.ts';
import { createPeople, type People } from './people.ts';
import { createPopulation } from './population.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';
import { deliver, pause } from './send-answer.ts';
import { MOST_PEOPLE } from './timeline.ts';

export interface SimulatorOptions {
  /** Initial count: 0 to 10 million. */
  patients: number;
  /** Default 1. */
  seed?: number;
  /** Default: a key in the right format on shard au1. */
  apiKey?: string;
  /** More keys of the same user; they share its rate limit. */
  otherApiKeys?: readonly string[];
  /** Added to each answer. Default 0. */
  latencyMs?: number;
  /** Default 200; 0 or Infinity: no limit. */
  requestsPerMinute?: number;
  /** Whether a 429 says `Retry-After` as well. Default false. */
  retryAfter?: boolean;
  /** On 127.0.0.1. Default 0: any that is free. */
  port?: number;
  /** Switches for unknown behaviour of Cliniko; includes `latencyMs`, `requestsPerMinute` and `retryAfter`. */
  behaviour?: Partial<Behaviour>;
  /** The clock for edits, the rate limit and `Date`. Default: the real one. */
  now?: () => Date;
  /** Cached encoded pages for repeated scans, about 200 kB each. Default 0. */
  cachedPages?: number;
}

export interface ClinikoSimulator {
  /** Ends in `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly apiKey: string;
  readonly requests: readonly SimulatedRequest[];
  /** Resolves with the first matching request, past or future. */
  requested: Journal['requested'];
  /** May be changed at any time. */
  readonly behaviour: Behaviour;
  readonly faults: Faults;
  readonly people: People;
  readonly churn: Churn;
  /** Closes all connections at once, including hanging requests. */
  close(): Promise<void>;
}

/** @throws RangeError when `patients` is out of bounds; the error of `listen` when the port is in use */
export async function startClinikoSimulator(options: SimulatorOptions): Promise<ClinikoSimulator> {
  if (!(Number.isInteger(options.patients) && options.patients >= 0 && options.patients <= MOST_PEOPLE)) {
    throw new RangeError(`A simulated clinic has 0 to ${MOST_PEOPLE} patients, not ${options.patients}.`);
  }
  const server = createServer({ keepAliveTimeout: 60_000 });
  const port = await listen(server, options.port ?? 0);
  const clinic = openClinic(options, `http://127.0.0.1:${port}/v1`);
  server.on('request', (request, response) => {
    serve(clinic, request, response).catch((error: unknown) => {
      // Only an edit or a fault function of a test can throw: disconnect the client, and report the error to the test.
      response.destroy();
      throw error;
    });
  });
  const { url, apiKey, behaviour, faults, people, churn, journal } = clinic;
  return {
    url,
    port,
    apiKey,
    behaviour,
    faults,
    people,
    churn,
    requests: journal.requests,
    requested: journal.requested,
    close() {
      clinic.closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

interface Clinic {
  url: string;
  apiKey: string;
  keys: readonly string[];
  behaviour: Behaviour;
  people: People;
  patients: PatientList;
  limit: RateLimit;
  faults: FaultBox;
  churn: ChurnBox;
  journal: Journal;
  now: () => Date;
  closing: AbortController;
  /** Requests in progress. */
  inFlight: number;
}

function openClinic(options: SimulatorOptions, url: string): Clinic {
  const {
    latencyMs,
    requestsPerMinute,
    retryAfter,
    apiKey = DEFAULT_API_KEY,
    now = () => new Date(),
  } = options;
  const behaviour = { ...USUAL_BEHAVIOUR, ...withoutUndefined({ latencyMs, requestsPerMinute, retryAfter }) };
  Object.assign(behaviour, options.behaviour);
  const linkBase = `https://api.${shardOf(apiKey)}.cliniko.com/v1`;
  const population = createPopulation({
    seed: options.seed ?? 1,
    patients: options.patients,
    linkBase,
    behaviour,
  });
  const people = createPeople(population, behaviour, now);
  return {
    url,
    apiKey,
    behaviour,
    people,
    now,
    keys: [apiKey, ...(options.otherApiKeys ?? [])],
    patients: createPatientList({ population, behaviour, url, cachedPages: options.cachedPages ?? 0 }),
    limit: createRateLimit(behaviour, now),
    faults: createFaults(),
    churn: createChurn(people),
    journal: createJournal(),
    closing: abortsForMany(),
    inFlight: 0,
  };
}

async function serve(clinic: Clinic, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = urlOf(request, clinic);
  const noted = noteRequest(clinic, request, url);
  trackAnswer(clinic, noted, response);
  request.resume(); // The body is ignored, but must be read from the connection.
  // Decided on arrival: a test that waited for a hanging request may release it at once.
  const refusal = refuse(clinic, request, noted);
  const takeFault = refusal === undefined ? clinic.faults.takeFault(noted) : undefined;
  const closing = clinic.closing.signal;
  const { latencyMs, latencySpreadMs } = clinic.behaviour;
  await pause(latencyMs + (2 * Math.random() - 1) * latencySpreadMs, closing);
  if (clinic.behaviour.dateHeader) response.setHeader('date', clinic.now().toUTCString());
  else response.sendDate = false;
  const delivery = { response, closing, now: clinic.now };
  await deliver(delivery, takeFault, () => refusal ?? route(clinic, noted, url));
}

function urlOf(request: IncomingMessage, clinic: Clinic): URL {
  // Joined as text: resolved against the base, a path such as "//x" would name another host.
  const path = request.url?.startsWith('/') ? request.url : '/';
  return new URL(`${new URL(clinic.url).origin}${path}`);
}

/**
 * "finish" comes before the client can have read the end, so a client that awaits an answer finds its request
 * recorded.
 */
function trackAnswer(clinic: Clinic, noted: SimulatedRequest, response: ServerResponse): void {
  response.once('finish', () => {
    noted.status = response.statusCode;
    clinic.inFlight--;
  });
  response.once('close', () => {
    if (noted.status === null) clinic.inFlight--;
  });
}

function noteRequest(clinic: Clinic, request: IncomingMessage, url: URL): SimulatedRequest {
  const isList = request.method === 'GET' && url.pathname === '/v1/patients';
  const page = Number(url.searchParams.get('page') ?? 1);
  const noted: SimulatedRequest = {
    method: request.method ?? '',
    path: url.pathname,
    query: [...url.searchParams].map(([name, value]) => `${name}=${value}`).join('&'),
    page: isList && Number.isInteger(page) ? page : null,
    status: null,
    at: clinic.now(),
    inFlight: ++clinic.inFlight,
    violations: headerViolations(request.headers),
  };
  clinic.journal.note(noted);
  return noted;
}

/** All reasons to reject a request before it is processed. */
function refuse(clinic: Clinic, request: IncomingMessage, noted: SimulatedRequest): Answer | undefined {
  const { behaviour } = clinic;
  const isKnown =
    behaviour.access !== 'unauthorised' && isAdmitted(request.headers.authorization, clinic.keys);
  if (!isKnown) return accessDenied();
  const resetAt = clinic.limit.take();
  if (resetAt !== undefined) {
    const reset = Math.ceil(resetAt / 1000);
    const wait = Math.max(0, reset - Math.floor(clinic.now().getTime() / 1000));
    return tooManyRequests(`${reset}`, behaviour.retryAfter ? wait : undefined);
  }
  if (behaviour.headers === 'strict' && noted.violations.length > 0) {
    return json(400, { message: `Missing or invalid ${noted.violations.join(', ')}` });
  }
  if (noted.method !== 'GET') return { status: 405, headers: { allow: 'GET' }, body: '' };
  return behaviour.access === 'forbidden' && noted.path.startsWith('/v1/patients')
    ? failure(403, behaviour)
    : undefined;
}

function route(clinic: Clinic, noted: SimulatedRequest, { pathname, searchParams }: URL): Answer {
  if (pathname === '/v1/patients') {
    return clinic.churn.around(noted, () => clinic.patients.list(searchParams));
  }
  const id = /^\/v1\/patients\/(\d{1,19})$/.exec(pathname)?.[1];
  if (id !== undefined) return clinic.patients.byId(id, searchParams);
  if (pathname === '/v1/user') return json(200, OWNER);
  if (pathname === '/v1/settings/public') return json(200, SETTINGS);
  if (pathname === '/v1/practitioners') return practitioners(searchParams);
  return failure(404, clinic.behaviour);
}

const OWNER = {
  id: '836447129235883061',
  first_name: 'Perpetua',
  last_name: 'Inkwell',
  email: 'perpetua@clinic.example',
  active: true,
};
const PRACTITIONERS = ['Perpetua Inkwell', 'Barnaby Thistlewood', 'Clementine Harrow'];

/** Only the envelope of a list: no client here reads a practitioner. */
function practitioners(parameters: URLSearchParams): Answer {
  const perPage = Number(parameters.get('per_page') ?? 50);
  const shown = PRACTITIONERS.slice(0, perPage).map((label, index) => ({ id: `${index + 1}`, label }));
  return json(200, { practitioners: shown, total_entries: PRACTITIONERS.length, links: {} });
}

const SETTINGS = {
  terminology: { patient: 'patient' },
  account: {
    name: 'Simulated Clinic',
    country: 'Australia',
    country_code: 'AU',
    time_zone: 'Melbourne',
    subdomain: 'simulated',
  },
  calendar: { timeslot_size_in_minutes: 15 },
};

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Every request may wait on it, so the usual warning about more than ten listeners would be wrong. */
function abortsForMany(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** An option that is undefined keeps its default. */
function withoutUndefined(options: Record<string, unknown>): Partial<Behaviour> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
