/**
 * The phases of a run, and from each the legal next ones with the reason. The type of a phase comes from here.
 *
 * A phase may be published again, with other numbers; that is no transition.
 */
const STOPPED = {
  cancelling: 'a person requested the end of the run',
  failed: 'an error, a cancel or a deleted organization ended the run',
};

const WAITING = {
  waiting: 'Cliniko limits the requests, or does not answer',
};

export const PHASE_TRANSITIONS = {
  queued: {
    fetching: 'a worker claimed the run',
    ...STOPPED,
  },
  fetching: {
    storing: 'the first batch is stored',
    finishing: 'the pages held no patient, or a resumed run had read them all',
    completed: 'there was nothing to store',
    ...WAITING,
    ...STOPPED,
  },
  storing: {
    finishing: 'the numbered pages are stored, and the patients that they may have missed are read',
    completed: 'the numbered pages were all there was to read',
    fetching: 'another worker claimed the run and continues from its checkpoint',
    ...WAITING,
    ...STOPPED,
  },
  waiting: {
    fetching: 'the wait is over before the first page, or another worker claimed the run',
    storing: 'the wait is over',
    finishing: 'the wait is over, after the numbered pages',
    completed: 'the awaited answer was the last one',
    ...STOPPED,
  },
  finishing: {
    completed: 'everything is stored, and the unseen patients are marked',
    fetching: 'another worker claimed the run and continues from its checkpoint',
    ...WAITING,
    ...STOPPED,
  },
  cancelling: {
    fetching: 'another worker claimed the run, and ends it',
    storing: 'a batch that was in progress has committed',
    finishing: 'a batch that was in progress has committed',
    waiting: 'a wait that was in progress was published',
    completed: 'the run was at its end already',
    failed: 'the run has ended',
  },
  completed: {},
  failed: {},
} as const satisfies Record<string, Readonly<Record<string, string>>>;

export const SYNC_PHASES = Object.keys(PHASE_TRANSITIONS) as (keyof typeof PHASE_TRANSITIONS)[];
