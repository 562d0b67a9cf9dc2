/** The server's health, as three lights. */
import type { Readiness } from '#contract/health.ts';
import type { Health } from './use-health.ts';

type Tone = 'good' | 'warn' | 'bad' | 'none';

interface Light {
  name: string;
  words: string;
  tone: Tone;
}

export function HealthStrip({ health }: { health: Health }) {
  return (
    <ul className="lights" aria-label="Health">
      {lightsOf(health).map(({ name, words, tone }) => (
        <li key={name} className="light" data-tone={tone}>
          <span className="light-dot" aria-hidden="true" />
          <span className="light-name">{name}</span>
          <span className="light-words">{words}</span>
        </li>
      ))}
    </ul>
  );
}

function lightsOf(health: Health): Light[] {
  switch (health.kind) {
    case 'unknown':
      return lights({ words: '…', tone: 'none' }, { words: '…', tone: 'none' }, { words: '…', tone: 'none' });
    case 'unreachable':
      return lights(
        { words: 'does not answer', tone: 'bad' },
        { words: 'unknown', tone: 'none' },
        { words: 'unknown', tone: 'none' },
      );
    case 'known':
      return lightsOfChecks(health.readiness);
    default:
      return health satisfies never;
  }
}

function lightsOfChecks({ status, checks }: Readiness): Light[] {
  const server: Omit<Light, 'name'> = checks.draining
    ? { words: 'is stopping', tone: 'warn' }
    : status === 'ready'
      ? { words: 'ready', tone: 'good' }
      : { words: status, tone: 'bad' };
  return lights(
    server,
    checks.database === false
      ? { words: 'does not answer', tone: 'bad' }
      : { words: 'answers', tone: 'good' },
    checks.listener === false
      ? { words: 'disconnected: events arrive with a delay', tone: 'warn' }
      : { words: 'receives events', tone: 'good' },
  );
}

function lights(
  server: Omit<Light, 'name'>,
  database: Omit<Light, 'name'>,
  listener: Omit<Light, 'name'>,
): Light[] {
  return [
    { name: 'Server', ...server },
    { name: 'Database', ...database },
    { name: 'Listener', ...listener },
  ];
}
