/**
 * The simulated clinic without HTTP, as a patient source in virtual time: its answers take drawn times, and it changes at
 * drawn moments. Needs fake timers.
 */

import { readRecords } from '../../../../src/cliniko/record.ts';
import type { PageQuery, PatientPage, PatientSource } from '../../../../src/cliniko/source.ts';
import { WireEnvelope } from '../../../../src/cliniko/wire.ts';
import { type Behaviour, USUAL_BEHAVIOUR } from '../../../../src/cliniko-simulator/behaviour.ts';
import { createPatientList } from '../../../../src/cliniko-simulator/patient-list.ts';
import { createPeople, type People } from '../../../../src/cliniko-simulator/people.ts';
import { createPopulation } from '../../../../src/cliniko-simulator/population.ts';
import { type Change, perform } from '../../../support/clinic-changes.ts';

const LINKS = 'https://api.au1.cliniko.com/v1';

export interface VirtualClinikoOptions {
  patients: number;
  behaviour: Partial<Behaviour>;
  /** Before the answers to the first requests, in the order of the answers. */
  changes: readonly (readonly Change[])[];
  /** Of the answers, repeated. */
  latenciesMs: readonly number[];
}

export interface VirtualCliniko {
  people: People;
  source: PatientSource;
}

export function openVirtualCliniko(options: VirtualClinikoOptions): VirtualCliniko {
  const { patients, changes, latenciesMs } = options;
  const behaviour = { ...USUAL_BEHAVIOUR, ...options.behaviour };
  const population = createPopulation({ seed: 1, patients, linkBase: LINKS, behaviour });
  const people = createPeople(population, behaviour, () => new Date());
  const list = createPatientList({ population, behaviour, url: LINKS, cachedPages: 0 });
  let requests = 0;
  let answers = 0;
  const half = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms / 2));
  return {
    people,
    source: {
      estimateWaitMs: () => 0,
      async page(query, { signal, onRequest }) {
        signal.throwIfAborted();
        onRequest?.();
        const ms = latenciesMs[requests++ % latenciesMs.length] ?? 0;
        await half(ms);
        for (const change of changes[answers++] ?? []) perform(people, change);
        const askedAt = new Date();
        const { status, body } = list.list(parametersOf(query));
        await half(ms);
        signal.throwIfAborted();
        if (status !== 200) throw new Error(`The simulated clinic answered ${status}.`);
        return { ...pageOf(body), askedAt };
      },
    },
  };
}

function parametersOf({ page, perPage, sort, filters }: PageQuery): URLSearchParams {
  const parameters = new URLSearchParams({ page: String(page), per_page: String(perPage), sort });
  for (const filter of filters) parameters.append('q[]', filter);
  return parameters;
}

function pageOf(body: string | Buffer): PatientPage {
  const page = readRecords(Buffer.from(body), 'patients');
  const { total_entries, links } = WireEnvelope.parse(page?.envelope);
  return { records: page?.records ?? [], totalEntries: total_entries, hasNext: links?.next !== undefined };
}
