/**
 * `patient-sync sign-in-link --id 7`: a link that signs a person in on one device, with the account of a token. Works on the
 * database of the environment directly, like `tokens`.
 */
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { createSignInLink } from '../access/sign-in-links.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { CommandError, readArguments, runCommand, UsageError, wholeNumber } from './arguments.ts';
import { readServer } from './request.ts';
import { jsonLine } from './screen.ts';
import { withDatabase } from './with-database.ts';

const USAGE = `Usage: npx patient-sync sign-in-link --id 7 [--minutes 60] [--url URL] [--json]
  --id ID        the account: the id of a token, as "npm run tokens -- list" shows it
  --minutes N    how long the link works, 1 to 1440; default 60
  --url URL      the address of the pages; default PATIENT_SYNC_URL, PUBLIC_URL or this machine
  --json         one JSON object a line`;

const LONGEST_MINUTES = 24 * 60;

await runCommand(async () => {
  const values = readArguments(
    process.argv.slice(2),
    {
      id: { type: 'string' },
      minutes: { type: 'string', default: '60' },
      url: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
    USAGE,
  );
  if (values.id === undefined) throw new UsageError(`--id is missing.\n${USAGE}`);
  const id = wholeNumber(values.id, '--id', 1, MAX_ROW_ID);
  const minutes = wholeNumber(values.minutes, '--minutes', 1, LONGEST_MINUTES);
  // PUBLIC_URL: a link with the name of this machine would lead nowhere on the device of the person.
  const { url } = readServer({ url: values.url }, ['PATIENT_SYNC_URL', 'PUBLIC_URL']);
  return withDatabase(async (database) => {
    const created = await createSignInLink(database, id, minutes);
    if (created === undefined) {
      throw new CommandError(
        `No active token with the id ${id} can sign a person in. List the tokens: npm run tokens -- list`,
      );
    }
    const { code, account, expiresAt } = created;
    // The fragment stays in the browser.
    const link = `${url}/sign-in#${code}`;
    if (values.json) {
      process.stdout.write(jsonLine({ id, link, scope: account.scope, expires_at: expiresAt.toISOString() }));
      return;
    }
    // Alone on the standard output, so that a script can take it.
    process.stderr.write(
      `This link signs one person in as ${terminalText(account.name)} (${account.scope}). It works once, for ${minutes} minutes:\n`,
    );
    process.stdout.write(`${link}\n`);
  });
});
