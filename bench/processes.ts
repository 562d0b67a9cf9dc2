/** Processes of the benchmarks: each receives commands over IPC and answers them one by one. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import packageJson from '../package.json' with { type: 'json' };

/** What `npm start` passes to Node.js. */
const START_FLAGS = packageJson.scripts.start.match(/--\S+/g) ?? [];

/** The limit for every command, also on a busy machine: a benchmark must end. */
const ANSWER_WITHIN_MS = 60_000;

/** @param script relative to this folder, without its extension: `fan-out/load-process` */
export function start(script: string, ...args: string[]): ChildProcess {
  const flags = script === 'product-process' ? START_FLAGS : [];
  const path = fileURLToPath(new URL(`${script}.js`, import.meta.url));
  return fork(path, args, { execArgv: ['--expose-gc', ...flags] });
}

/** @throws when the process exits or does not answer in time */
export function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      then();
    };
    const fail = (what: string) => settle(() => reject(new Error(`A process of the benchmark ${what}.`)));
    const onMessage = (answer: unknown) => settle(() => resolve(answer as T));
    const onExit = (code: number | null) => fail(`ended with ${code}`);
    const timer = setTimeout(() => fail('does not answer'), ANSWER_WITHIN_MS);
    child.on('message', onMessage).on('exit', onExit);
  });
}

export function ask<T>(child: ChildProcess, order: object): Promise<T> {
  const answer = answerOf<T>(child);
  child.send(order);
  return answer;
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.disconnect();
  await exit;
}
