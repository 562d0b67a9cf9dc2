/**
 * Signals that end a program: Ctrl-C, a platform that stops it, and a terminal that is closed. SIGHUP belongs to them, because
 * the embedded PostgreSQL, to which it means "read the configuration again", would outlive the program.
 */

/** As shells report a program that a signal has ended. */
export const EXIT_AFTER_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

type EndingSignal = keyof typeof EXIT_AFTER_SIGNAL;

const ENDING_SIGNALS: readonly EndingSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];

/** @param end called once: a terminal signals the whole group, and npm passes the signal on, so a second one means the same */
export function onEndingSignal(end: (signal: EndingSignal) => void): void {
  let isEnding = false;
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, () => {
      if (isEnding) return;
      isEnding = true;
      end(signal);
    });
  }
}
