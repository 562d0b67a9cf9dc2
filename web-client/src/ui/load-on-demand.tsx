/**
 * A part of a page that is loaded on first use.
 *
 * An unreachable server cannot deliver it. Then the page stays and shows a notice: React's `lazy` would unmount the whole
 * page. Browsers cache a failed module, so only a reload requests it again. An updated server has other files: then the
 * page loads again by itself, as does a page of which the part is all (load-again.ts).
 */
import { type ReactNode, useEffect, useState } from 'react';
import { ErrorNotice } from './error-notice.tsx';
import { PART_MISSING } from './part-missing.ts';

type Drawn<Props> = (props: Props) => ReactNode;

interface Closable {
  /** Of a dialog. */
  onClose?(): void;
}

/** @param Placeholder shown until the part has loaded */
export function loadOnDemand<Props extends object>(
  load: () => Promise<Drawn<Props>>,
  Placeholder?: Drawn<Props>,
): Drawn<Props & Closable> {
  return loaded(load, Placeholder, async () => {
    if (await isUpdated()) reportMissing();
  });
}

/** A part without which the page is empty. */
export function loadWholePage<Props extends object>(load: () => Promise<Drawn<Props>>): Drawn<Props> {
  return loaded(load, undefined, reportMissing);
}

const reportMissing = (): boolean => window.dispatchEvent(new Event(PART_MISSING));

/** Whether the page that the server has now begins with another script, whose name contains the hash of all others. */
async function isUpdated(): Promise<boolean> {
  const own = document.querySelector('script[type="module"]')?.getAttribute('src');
  if (own == null) return false;
  try {
    const response = await fetch(window.location.href, { cache: 'no-store' });
    return response.ok && !(await response.text()).includes(own);
  } catch {
    return false;
  }
}

function loaded<Props extends object>(
  load: () => Promise<Drawn<Props>>,
  Placeholder: Drawn<Props> | undefined,
  onFailure: () => void,
): Drawn<Props & Closable> {
  let Part: Drawn<Props> | undefined;
  return function WhenWanted(props) {
    const [state, setState] = useState<'coming' | 'here' | 'failed'>('coming');
    useEffect(() => {
      if (Part !== undefined) return;
      let isCurrent = true;
      load().then(
        (arrived) => {
          Part = arrived;
          if (isCurrent) setState('here');
        },
        () => {
          if (!isCurrent) return;
          setState('failed');
          onFailure();
        },
      );
      return () => {
        isCurrent = false;
      };
    }, []);
    if (Part !== undefined) return <Part {...props} />;
    return (
      <>
        {Placeholder !== undefined && <Placeholder {...props} />}
        {state === 'failed' && <NotLoaded onClose={props.onClose} />}
      </>
    );
  };
}

const NOT_LOADED =
  'This part of the page could not be loaded. Reload the page when the server answers: no sync depends on it.';

function NotLoaded({ onClose }: Closable) {
  const [isClosed, setIsClosed] = useState(false);
  if (isClosed) return null;
  const close = onClose ?? (() => setIsClosed(true));
  return (
    <div className="toast">
      <ErrorNotice words={NOT_LOADED} />
      <div className="dialog-actions">
        <button type="button" className="btn btn-small" onClick={close}>
          Close
        </button>
        <button type="button" className="btn btn-small" onClick={() => window.location.reload()}>
          Reload
        </button>
      </div>
    </div>
  );
}
