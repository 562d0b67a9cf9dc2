/**
 * Edits during a scan of the list.
 *
 * An edit is tied to a request for the list and not to a time, so the same scan meets the same change at the same
 * position every time. Only requests that build a page count: not those that are rejected, rate limited, or replaced
 * by a fault.
 */
import type { SimulatedRequest } from './journal.ts';
import type { People } from './people.ts';

type Edit = (people: People, request: SimulatedRequest) => void;

export interface Churn {
  /** Runs once, before the nth page (from 1) from now is built. */
  before(nth: number, edit: Edit): void;
  /** Runs once, after the nth page (from 1) from now was built. */
  after(nth: number, edit: Edit): void;
  beforeEvery(edit: Edit): void;
  afterEvery(edit: Edit): void;
  /** Runs once, when this page number is first requested. */
  beforePage(page: number, edit: Edit): void;
  afterPage(page: number, edit: Edit): void;
  clear(): void;
}

export interface ChurnBox extends Churn {
  /** Runs the edits due before the page, builds the page, runs the edits due after it. */
  around<Page>(request: SimulatedRequest, makePage: () => Page): Page;
}

interface Plan {
  moment: 'before' | 'after';
  isDue: (served: number, request: SimulatedRequest) => boolean;
  isOnce: boolean;
  edit: Edit;
}

export function createChurn(people: People): ChurnBox {
  let plans: Plan[] = [];
  let served = 0;

  const onNth = (moment: Plan['moment']) => (nth: number, edit: Edit) => {
    const due = served + nth;
    plans.push({ moment, edit, isOnce: true, isDue: (count) => count === due });
  };
  const onEvery = (moment: Plan['moment']) => (edit: Edit) => {
    plans.push({ moment, edit, isOnce: false, isDue: () => true });
  };
  const onPage = (moment: Plan['moment']) => (page: number, edit: Edit) => {
    plans.push({ moment, edit, isOnce: true, isDue: (_, request) => request.page === page });
  };

  function run(moment: Plan['moment'], request: SimulatedRequest): void {
    const due = plans.filter((plan) => plan.moment === moment && plan.isDue(served, request));
    plans = plans.filter((plan) => !(plan.isOnce && due.includes(plan)));
    for (const { edit } of due) edit(people, request);
  }

  return {
    before: onNth('before'),
    after: onNth('after'),
    beforeEvery: onEvery('before'),
    afterEvery: onEvery('after'),
    beforePage: onPage('before'),
    afterPage: onPage('after'),
    clear() {
      plans = [];
    },
    around(request, makePage) {
      served++;
      run('before', request);
      const page = makePage();
      run('after', request);
      return page;
    },
  };
}
