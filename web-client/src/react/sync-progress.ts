/**
 * `<SyncProgress orgId={123} />`: the element `<sync-progress>` as a React component (embed/sync-progress-element.ts).
 *
 * A server renders the tag without content. The browser defines the element after the first render, so both agree.
 * Functions are set as properties and listeners here, because React 18 would write them into attributes.
 */
import { type CSSProperties, createElement, type ReactElement, useEffect, useRef } from 'react';
import {
  defineSyncProgress,
  type SyncProgressDetail,
  type SyncProgressElement,
} from '../embed/sync-progress-element.ts';
import { lastingAccess, type SyncProgressOptions } from '../progress/progress-state.ts';

export interface SyncProgressProps extends SyncProgressOptions {
  orgId: number | string;
  /** Above the bar. Default: "Patient sync". */
  label?: string | undefined;
  className?: string | undefined;
  /** May set the variables of the element, such as `--sync-progress-accent`. */
  style?: CSSProperties | undefined;
  onChange?: ((detail: SyncProgressDetail) => void) | undefined;
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

  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    element.current?.addEventListener('sync-change', ({ detail }) => latest.current.onChange?.(detail), {
      signal,
    });
    element.current?.addEventListener('sync-end', ({ detail }) => latest.current.onEnd?.(detail), { signal });
    // The element takes over the properties that it has got before.
    defineSyncProgress();
    return () => ended.abort();
  }, []);

  const { orgId, baseUrl, label, className, style } = props;
  return createElement('sync-progress', {
    ref: element,
    org: orgId,
    src: baseUrl,
    label,
    class: className,
    style,
  });
}
