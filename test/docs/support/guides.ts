/** The guides in docs/ and their commands. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const DOCS = fileURLToPath(new URL('../../../docs/', import.meta.url));

/**
 * The reasons for which a block is not run. All other blocks are run.
 *
 * A block states its reason after its language: ```bash not-run=docker.
 */
export const REASONS_NOT_TO_RUN: Record<string, string> = {
  ci: '.ci/run runs it on a clean checkout',
  docker: 'it needs a Docker daemon, which a test must not depend on; test/packaging checks its files',
  root: 'it changes or reads the init system of the machine; test/peers checks the unit',
  database:
    'it needs databases and roles of a real installation; test/peers/backup.test.ts and test/database do the same',
  platform: 'it needs an account of a hosting platform; test/packaging checks the files of each',
  package: 'the package is not on the registry yet; test/packaging installs its archive',
  cliniko: "it needs a clinic's own key and the real Cliniko",
};

export interface Command {
  /** `docs/guides/quick-start.md` */
  guide: string;
  text: string;
  /** It keeps running while the next commands run. */
  background: boolean;
  notRun: string | undefined;
  /** Only for readers on this path through the guide. */
  only: string | undefined;
  /** A reader stops the server first. */
  stops: boolean;
}

export async function guideFiles(): Promise<string[]> {
  const guides = await readdir(`${DOCS}guides`);
  return [...guides.map((name) => `guides/${name}`), 'operations/runbook.md'].sort();
}

export async function readGuide(name: string): Promise<string> {
  return await readFile(`${DOCS}${name}`, 'utf8');
}

export async function commandsOf(guide: string): Promise<Command[]> {
  const fences = (await readGuide(guide)).matchAll(/^```(\S+)([^\n]*)\n([\s\S]*?)^```$/gm);
  return [...fences].flatMap(([, language, info = '', text = '']) =>
    language === 'bash'
      ? [
          {
            guide,
            text,
            background: /\bbackground\b/.test(info),
            notRun: /\bnot-run=(\w+)/.exec(info)?.[1],
            only: /\bonly=([\w-]+)/.exec(info)?.[1],
            stops: /\bstops\b/.test(info),
          },
        ]
      : [],
  );
}
