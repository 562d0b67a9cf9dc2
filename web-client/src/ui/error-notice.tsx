/** An error message, announced to screen readers at once, with a button where another attempt may help. */
import { Icon } from './icon.tsx';
import { handOverToHeading } from './restore-focus.ts';

export interface ErrorNoticeProps {
  words: string;
  /** Absent: there is nothing to try again. */
  onAgain?: (() => void) | undefined;
}

export function ErrorNotice({ words, onAgain }: ErrorNoticeProps) {
  return (
    <div className="notice" data-tone="bad" role="alert">
      <Icon name="failed" />
      <div>
        <p>{words}</p>
        {onAgain !== undefined && (
          <button ref={handOverToHeading} type="button" className="btn btn-small" onClick={onAgain}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}
