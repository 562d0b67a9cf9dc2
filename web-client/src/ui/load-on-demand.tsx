/**
 * A part of a page that is loaded on first use.
 *
 * An unreachable server cannot deliver it, and an updated server has other files. Then the page stays and shows a
 * notice: React's `lazy` would unmount the whole page. Browsers cache a failed module, so only a reload requests it
 * again.
 */
import { type ReactNode, useEffect, useState } from 'react';
import { ErrorNotice } from './error-notice.tsx';

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
  let Part: Drawn<Props> | undefined;
  return function WhenWanted(props) {
    const [state, setState] = useState<'coming' | 'here' | 'failed'>('coming');
    useEffect(() => {
      if (Part !== undefined) return;
      let isCurrent = true;
      load().then(
        (loaded) => {
          Part = loaded;
          if (isCurrent) setState('here');
        },
        () => isCurrent && setState('failed'),
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
