/**
 * `<SyncProgress orgId={123} />`: the element `<sync-progress>` as a React component (embed/sync-progress-element.ts).
 *
 * A server renders the tag without content. The browser defines the element after the first render, so both agree.
 * Functions are set as properties and listeners here, because React 18 would write them into attributes.
 */
import {
  type CSSProperties,
  createElement,
  type DetailedHTMLProps,
  type HTMLAttributes,
  type ReactElement,
  useEffect,
  useRef,
} from 'react';
import {
  defineSyncProgress,
  type SyncProgressDetail,
  type SyncProgressElement,
} from '../embed/sync-progress-element.ts';
import type { Access } from '../live/access.ts';
import { lastingAccess, type SyncProgressOptions } from '../progress/progress-state.ts';
import type { SyncProgressTexts } from '../progress/texts.ts';

export interface SyncProgressProps extends Omit<SyncProgressOptions, 'texts'> {
  orgId: number | string;
  /** Above the bar. Default: "Patient sync". */
  label?: string | undefined;
  /** Whether there is a button that starts a full sync. */
  start?: boolean | undefined;
  /** Replaces texts, for another language. */
  texts?: Partial<SyncProgressTexts> | undefined;
  className?: string | undefined;
  /** May set the variables of the element, such as `--sync-progress-accent`. */
  style?: (CSSProperties & Record<`--${string}`, string | number>) | undefined;
  onChange?: ((detail: SyncProgressDetail) => void) | undefined;
  /** The button was pressed. `preventDefault()` leaves the start to the page. */
  onStart?: ((event: Event) => void) | undefined;
  /** A run that was seen running has ended. */
  onEnd?: ((detail: SyncProgressDetail) => void) | undefined;
}

export function SyncProgress(props: SyncProgressProps): ReactElement {
  const element = useRef<SyncProgressElement>(null);
  // Inline functions are new with every render; the connection must stay.
  const latest = useRef(props);
  latest.current = props;
  const [hasToken, hasStreamToken] = [props.getToken !== undefined, props.getStreamToken !== undefined];

  useEffect(() => {
    if (element.current === null) return;
    Object.assign(
      element.current,
      lastingAccess({ hasToken, hasStreamToken }, () => latest.current),
    );
  }, [hasToken, hasStreamToken]);

  const { texts } = props;
  useEffect(() => {
    if (element.current !== null) element.current.texts = texts ?? null;
  }, [texts]);

  useEffect(() => {
    const shown = element.current;
    if (shown === null) return;
    const ended = new AbortController();
    const { signal } = ended;
    shown.addEventListener('sync-change', ({ detail }) => latest.current.onChange?.(detail), { signal });
    shown.addEventListener('sync-end', ({ detail }) => latest.current.onEnd?.(detail), { signal });
    shown.addEventListener('sync-start', (event) => latest.current.onStart?.(event), { signal });
    // The element takes over the properties that it has got before.
    defineSyncProgress();
    shown.isSuspended = false;
    return () => {
      ended.abort();
      // `<Activity>`, and so Next.js with Cache Components, hides the element and keeps it in the document.
      shown.isSuspended = true;
    };
  }, []);

  const { orgId, baseUrl, label, start, className, style } = props;
  return createElement('sync-progress', {
    ref: element,
    org: orgId,
    src: baseUrl,
    label,
    // React 18 would write false as text.
    start: start === true ? true : undefined,
    class: className,
    style,
  });
}

/** The tag itself in TSX. React 18 sets attributes only, and writes `start={false}` as text. */
interface SyncProgressTagProps
  extends DetailedHTMLProps<HTMLAttributes<SyncProgressElement>, SyncProgressElement>,
    Access {
  org: number | string;
  src?: string | undefined;
  label?: string | undefined;
  start?: boolean | undefined;
  texts?: Partial<SyncProgressTexts> | undefined;
  /** React 18 does not know `className` here. */
  class?: string | undefined;
  'onsync-change'?: ((event: CustomEvent<SyncProgressDetail>) => void) | undefined;
  'onsync-end'?: ((event: CustomEvent<SyncProgressDetail>) => void) | undefined;
  'onsync-start'?: ((event: CustomEvent<null>) => void) | undefined;
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'sync-progress': SyncProgressTagProps;
    }
  }
}
