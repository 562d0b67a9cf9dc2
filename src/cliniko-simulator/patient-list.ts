/**
 * `GET /patients` and `GET /patients/{id}`: from a query to the JSON of an answer.
 *
 * Each page is generated and encoded for its request, so serving a million patients takes the memory of one page. A
 * benchmark that needs a faster source can cache a bounded number of encoded pages.
 */
import { type Answer, failure, json, jsonText } from './answer.ts';
import type { Behaviour } from './behaviour.ts';
import { keepNewest } from './keep-newest.ts';
import { applyIgnoredParameters, hasNextLink, reportedTotal, withOldest } from './odd-pages.ts';
import type { Population } from './population.ts';
import { BadQuery, type PatientQuery, parseQuery } from './query.ts';
import { createSelect } from './selection.ts';

export interface PatientList {
  list(parameters: URLSearchParams): Answer;
  byId(id: string, parameters: URLSearchParams): Answer;
}

export interface PatientListOptions {
  population: Population;
  behaviour: Behaviour;
  /** The base URL of the simulator; links to pages begin with it. */
  url: string;
  /** The maximum of cached encoded pages, about 200 kB each. */
  cachedPages: number;
}

export function createPatientList({
  population,
  behaviour,
  url,
  cachedPages,
}: PatientListOptions): PatientList {
  const select = createSelect(population, behaviour);
  const keep = keepNewest<Buffer>(cachedPages);
  let answers = 0;

  /**
   * The cache key is the patients on the page and not the query: each sync has another upper time bound, and gets the
   * same patients.
   */
  function encoded(positions: readonly number[]): Buffer {
    const draw = () =>
      Buffer.from(positions.map((position) => JSON.stringify(population.recordAt(position))).join(','));
    // An empty page is not cached, because it would evict a page of patients.
    if (cachedPages === 0 || positions.length === 0) return draw();
    const key = `${population.version()} ${JSON.stringify(behaviour)} ${positions.join()}`;
    const page = keep.get(key) ?? draw();
    keep.set(key, page);
    return page;
  }

  function list(parameters: URLSearchParams): Answer {
    return refusing(() => {
      const query = applyIgnoredParameters(parseQuery(parameters, behaviour), behaviour);
      const { positions, total } = withOldest(select(query), behaviour);
      const reported = reportedTotal(total, behaviour, answers++);
      if (positions.length === 0 && query.page > 1 && behaviour.pastTheEnd === 'not-found') {
        return failure(404, behaviour);
      }
      const hasNext = hasNextLink(query, total, reported, behaviour);
      const links = JSON.stringify(pageLinks(`${url}/patients`, parameters, query, hasNext, behaviour));
      const total_entries = reported === undefined ? '' : `"total_entries":${JSON.stringify(reported)},`;
      const [before, after] = ['{"patients":[', `],${total_entries}"links":${links}}`];
      return jsonText(Buffer.concat([Buffer.from(before), encoded(positions), Buffer.from(after)]));
    });
  }

  function byId(id: string, parameters: URLSearchParams): Answer {
    return refusing(() => {
      const { conditions } = parseQuery(parameters, behaviour);
      const named = { field: 'id', operator: '=', value: id } as const;
      const isShown =
        behaviour.archivedById === 'shown' && !conditions.some(({ field }) => field === 'archived_at');
      const anyone = { field: 'archived_at', operator: '*', value: '' } as const;
      const all = isShown ? [...conditions, named, anyone] : [...conditions, named];
      const { positions } = select({ page: 1, perPage: 1, sort: [], conditions: all });
      const [position] = positions;
      return position === undefined ? failure(404, behaviour) : json(200, population.recordAt(position));
    });
  }

  return { list, byId };
}

function refusing(answer: () => Answer): Answer {
  try {
    return answer();
  } catch (error) {
    if (error instanceof BadQuery) return json(400, { message: error.message });
    throw error;
  }
}

function pageLinks(
  list: string,
  parameters: URLSearchParams,
  { page, perPage }: PatientQuery,
  hasNext: boolean,
  behaviour: Behaviour,
) {
  const linkTo = (number: number) => {
    const kept = [...parameters].filter(([name]) => name !== 'page' && name !== 'per_page');
    const all = [['page', `${number}`], ['per_page', `${perPage}`], ...kept];
    return `${list}?${all.map((pair) => pair.map(encode).join('=')).join('&')}`;
  };
  const unset = (name: string) => (behaviour.unsetLinks === null ? { [name]: null } : {});
  return {
    self: linkTo(page),
    ...(page > 1 ? { previous: linkTo(page - 1) } : unset('previous')),
    ...(hasNext ? { next: linkTo(page + 1) } : unset('next')),
  };
}

/** In the format of Cliniko's own links, including the asterisk of `archived_at:*`. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('*', '%2A');
}
