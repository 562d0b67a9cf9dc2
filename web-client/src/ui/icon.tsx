/**
 * The icons of the pages, drawn in the colour of the text.
 *
 * The guide's texts begin with emoji. They stay in the text for tests and copying, and these icons are drawn instead:
 * emoji look different on each system, and some systems have none.
 */
import type { ReactNode } from 'react';

export type IconName =
  | 'sync'
  | 'signal'
  | 'disk'
  | 'done'
  | 'failed'
  | 'warning'
  | 'hourglass'
  | 'pause'
  | 'flag'
  | 'down'
  | 'next'
  | 'back'
  | 'play'
  | 'halt'
  | 'settings'
  | 'search'
  | 'cross'
  | 'key'
  | 'people'
  | 'clock';

const PATHS: Record<IconName, ReactNode> = {
  sync: <path d="M16.5 8.5A7 7 0 0 0 4.2 6.6M3.5 3.2v3.9h3.9M3.5 11.5a7 7 0 0 0 12.3 1.9m.7 3.4v-3.9h-3.9" />,
  signal: (
    <path d="M10 12.5v4.2M6.9 12.6a4.4 4.4 0 1 1 6.2 0M4.4 15.1a7.9 7.9 0 1 1 11.2 0M10 10.3a.8.8 0 1 1 0-1.6.8.8 0 0 1 0 1.6" />
  ),
  disk: <path d="M4 4.2h9.3L16 6.9v8.9H4zM7 4.2v3.6h5.4V4.2M6.6 15.8v-4.6h6.8v4.6" />,
  done: <path d="M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M6.9 10.2l2.2 2.2 4.1-4.5" />,
  failed: <path d="M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M7.6 7.6l4.8 4.8m0-4.8-4.8 4.8" />,
  warning: <path d="M10 3.4 17.4 16H2.6zM10 8v3.6m0 2v.2" />,
  hourglass: <path d="M5.5 3.5h9m-9 13h9M6.5 3.5v2.4L10 10l3.5-4.1V3.5m-7 13v-2.4L10 10l3.5 4.1v2.4" />,
  pause: <path d="M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14M8.2 7.6v4.8m3.6-4.8v4.8" />,
  flag: <path d="M5 17V3.6h9.6l-2 3.4 2 3.4H5" />,
  down: <path d="m5.5 8 4.5 4.5L14.5 8" />,
  next: <path d="M8 5.5 12.5 10 8 14.5" />,
  back: <path d="M12 5.5 7.5 10l4.5 4.5" />,
  play: <path d="M7 4.6v10.8l8.5-5.4z" />,
  halt: <path d="M7 4.8v10.4m6-10.4v10.4" />,
  settings: (
    <path d="M3.5 6h6m4 0h3M3.5 14h3m4 0h6M11.5 4.2a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6m-3 8a1.8 1.8 0 1 1 0 3.6 1.8 1.8 0 0 1 0-3.6" />
  ),
  search: <path d="M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11m4-1.5 3.5 3.5" />,
  cross: <path d="m5.5 5.5 9 9m0-9-9 9" />,
  key: <path d="M7 15.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7m2.5-6L16 3m-2.5 2.5L16 8" />,
  people: (
    <path d="M8 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6m-5.5 6c.3-2.6 2.4-4 5.5-4s5.200 1.400 5.500 4M13 4.300a3 3 0 0 1 0 5.400m1.700 2.700c1.600.5 2.600 1.700 2.800 3.600" />
  ),
  clock: <path d="M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14m0-11v4l2.700 1.700" />,
};

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {PATHS[name]}
    </svg>
  );
}

const ICON_OF_EMOJI: Readonly<Record<string, IconName>> = {
  '🔄': 'sync',
  '📡': 'signal',
  '💾': 'disk',
  '✅': 'done',
  '❌': 'failed',
  '⚠️': 'warning',
  '⏳': 'hourglass',
  '⏸️': 'pause',
  '🏁': 'flag',
};

/** A text of the guide, with its emoji drawn as icons. */
export function GuideText({ text }: { text: string }) {
  const [emoji = '', ...words] = text.split(' ');
  const icon = ICON_OF_EMOJI[emoji];
  if (icon === undefined) return text;
  return (
    <>
      <Icon name={icon} />
      <span className="undrawn" aria-hidden="true">
        {`${emoji} `}
      </span>
      {words.join(' ')}
    </>
  );
}
