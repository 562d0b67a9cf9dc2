/** An error message, announced to screen readers at once. */
import { Icon } from './icon.tsx';

export function ErrorNotice({ words }: { words: string }) {
  return (
    <div className="notice" data-tone="bad" role="alert">
      <Icon name="failed" />
      <p>{words}</p>
    </div>
  );
}
