/**
 * The oracle over events. While viewers receive, it checks the order of each one, and that two viewers never get different texts
 * for one `seq`. At the end it compares everything with the log in the database.
 *
 * Keeps a digest for each event and not the texts.
 */

import { logTextOf } from '../test/support/sent-event.ts';
import type { ViewerMemory } from '../test/support/viewer.ts';
import { digestOf } from './digest.ts';
import type { Findings } from './findings.ts';
import { expectNoPatientData } from './patient-data.ts';
import { type ViewerKind, ViewerState } from './viewer-state.ts';

/** The digests of what viewers received of an organization, by `seq`. */
interface Received {
  events: Map<number, string>;
  /** Of the state (`log`) that an event, a snapshot or a poll has shown. */
  states: Map<number, string>;
}

const ONE_TEXT = 'every viewer gets the same text for an event or a state';
const NO_PATIENT_DATA = 'events and polls contain no patient data';
const EQUAL_TO_LOG = 'what viewers received is what the log of the database contains';
const COMPLETE = 'each viewer received everything up to the end of the log';
const TERMINAL = 'a viewer that gets folded states received the end of each run';

export class EventOracle {
  readonly delivered = { events: 0, snapshots: 0, polls: 0, resets: 0 };
  readonly #findings: Findings;
  readonly #received = new Map<number, Received>();
  readonly #viewers: ViewerState[] = [];

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** What a new viewer reports to. */
  openViewer(name: string, kind: ViewerKind, watches: (organizationId: number) => boolean): ViewerMemory {
    const viewer = new ViewerState(name, kind, watches, this.#findings);
    this.#viewers.push(viewer);
    return {
      cursors: new Map(),
      show: (organizationId, { kind: shownAs, seq, text }) => {
        if (shownAs === 'event') {
          this.delivered.events += 1;
          const isFirst = this.#take(organizationId, 'events', seq, text, text);
          if (isFirst) this.#take(organizationId, 'states', seq, logTextOf(text), text);
          viewer.takeEvent(organizationId, seq, isTerminal(text));
        } else {
          this.delivered[shownAs === 'poll' ? 'polls' : 'snapshots'] += 1;
          const log = shownAs === 'poll' ? logOfPoll(text) : logTextOf(text);
          this.#take(organizationId, 'states', seq, log, text);
          viewer.takeState(organizationId, seq);
        }
      },
      lose: (text) => {
        this.delivered.resets += 1;
        viewer.lose(text);
      },
    };
  }

  /** Viewers that have not reached the head of an organization, with their places. */
  behind(heads: ReadonlyMap<number, number>): string[] {
    return this.#viewers.flatMap((viewer) => viewer.behind(heads));
  }

  /** @param envelopes all events of the organization from the database, in order */
  compareWithLog(organizationId: number, envelopes: readonly string[]): void {
    const { events, states } = this.#receivedOf(organizationId);
    const expected = new Map(envelopes.map((text, index) => [index + 1, digestOf(text)]));
    const log = new Map(envelopes.map((text, index) => [index + 1, digestOf(logTextOf(text))]));
    log.set(0, digestOf('null'));
    this.#compare(organizationId, 'event', events, expected);
    this.#compare(organizationId, 'state', states, log);
    const terminals = envelopes.flatMap((text, index) => (isTerminal(text) ? [index + 1] : []));
    const heads = new Map([[organizationId, envelopes.length]]);
    for (const viewer of this.#viewers) {
      const behind = viewer.behind(heads);
      if (viewer.watches(organizationId))
        this.#findings.expect(COMPLETE, behind.length === 0, () => behind.join());
      const missed = viewer.missedTerminals(organizationId, terminals);
      if (missed !== undefined)
        this.#findings.expect(
          TERMINAL,
          missed.length === 0,
          () => `${viewer.name}, organization ${organizationId}: ${missed}`,
        );
    }
  }

  #compare(
    organizationId: number,
    what: string,
    received: ReadonlyMap<number, string>,
    expected: ReadonlyMap<number, string>,
  ): void {
    for (const [seq, digest] of received)
      this.#findings.expect(
        EQUAL_TO_LOG,
        digest === expected.get(seq),
        () =>
          `${what} ${seq} of organization ${organizationId}${expected.has(seq) ? ' differs' : ' never existed'}`,
      );
  }

  /** @returns whether no viewer received this one before */
  #take(organizationId: number, what: keyof Received, seq: number, content: string, text: string): boolean {
    const known = this.#receivedOf(organizationId)[what];
    const digest = digestOf(content);
    const before = known.get(seq);
    if (before !== undefined) {
      this.#findings.expect(
        ONE_TEXT,
        before === digest,
        () => `${what} ${seq} of organization ${organizationId} has two texts; the second: ${text}`,
      );
      return false;
    }
    known.set(seq, digest);
    expectNoPatientData(this.#findings, NO_PATIENT_DATA, `organization ${organizationId}`, text);
    return true;
  }

  #receivedOf(organizationId: number): Received {
    const received = this.#received.get(organizationId) ?? { events: new Map(), states: new Map() };
    this.#received.set(organizationId, received);
    return received;
  }
}

const isTerminal = (envelope: string): boolean => /^\{"v":1,"type":"(?:completed|failed)"/.test(envelope);

/** The text of the newest run in the answer to a poll with `limit=1`; `null` when there is none. */
function logOfPoll(text: string): string {
  const log = text.slice('{"logs":['.length, text.lastIndexOf('],"organization_id":'));
  return log === '' ? 'null' : log;
}
