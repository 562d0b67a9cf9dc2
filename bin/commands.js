/**
 * The commands of `patient-sync`: the module of each, what it does, and its options for completion by a shell.
 *
 * An option is null without a value, else the list of its values, which is empty for a free value. A name that ends
 * with `=` takes its value in the same word, and `repeats` lists those that may be given again. A test compares the
 * options with each command's `--help`.
 */
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const SERVER = { '--url': [], '--token': [] };

export const COMMANDS = {
  serve: {
    module: 'main',
    what: 'the server, configured by the environment',
    options: { '--log-level=': LOG_LEVELS },
  },
  demo: {
    module: 'cli/demo',
    what: 'a server with a simulated Cliniko, and a first sync',
    options: { '--once': null, '--patients': [], '--port': [] },
  },
  sync: {
    module: 'cli/sync',
    what: 'starts a sync on a running server and shows its progress',
    options: {
      '--org': [],
      '--mode': ['full', 'active', 'changed'],
      '--timeout': [],
      '--json': null,
      ...SERVER,
    },
  },
  watch: {
    module: 'cli/watch',
    what: 'shows the syncs of one organization or of all',
    options: { '--org': [], '--all': null, '--timeout': [], '--json': null, ...SERVER },
  },
  overview: {
    module: 'cli/overview',
    what: 'shows which organizations are overdue, failed or held',
    options: {
      '--state': ['running', 'queued', 'paused', 'failed', 'overdue', 'held', 'with_errors', 'never', 'ok'],
      '--json': null,
      ...SERVER,
    },
    repeats: ['--state'],
  },
  tokens: {
    module: 'cli/tokens',
    what: 'creates, lists and revokes API tokens and logins for analysts, and lets people sign in',
    words: ['create', 'list', 'revoke', 'allow', 'disallow', 'sql-reader', 'sql-readers'],
    options: {
      '--name': [],
      '--organizations': [],
      '--scope': ['read', 'sync', 'admin', 'metrics'],
      '--days': [],
      '--id': [],
      '--email': [],
      '--subject': [],
      '--without-raw': null,
      '--with-identifiers': null,
      '--connections': [],
      '--timeout': [],
      '--sql-reader': [],
      '--json': null,
    },
  },
  'sign-in-link': {
    module: 'cli/sign-in-link',
    what: 'makes a link that signs a person in on one device',
    options: { '--id': [], '--minutes': [], '--url': [], '--json': null },
  },
  erase: {
    module: 'cli/erase',
    what: 'erases patients permanently',
    options: { '--org': [], '--patient': [], '--missing-for': [], '--confirm': null, '--json': null },
  },
  migrate: {
    module: 'cli/migrate',
    what: 'migrates the database to the newest schema',
    options: { '--json': null },
  },
  'import-legacy': {
    module: 'cli/import-legacy',
    what: 'copies the history of syncs from the old system',
    options: {
      '--from': [],
      '--map': [],
      '--apply': null,
      '--timezone': [],
      '--schema': [],
      '--operation': [],
      '--json': null,
    },
    repeats: ['--map', '--operation'],
  },
  doctor: {
    module: 'cli/doctor',
    what: 'checks a set-up, and says what to do',
    options: { '--org': [], '--json': null },
  },
  completion: {
    module: null,
    what: 'prints a script that completes these commands in bash or zsh',
    words: ['bash', 'zsh'],
    options: {},
  },
};
