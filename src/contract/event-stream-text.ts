/**
 * Parses the text of a Server-Sent Events stream as the HTML standard defines it, for programs that read the stream with
 * `fetch` because they have no EventSource or must send a header. Pure.
 */

export interface ReceivedEvent {
  type: string;
  data: string;
}

/**
 * @returns accepts the text as it arrives, in chunks of any size, and calls `onEvent` for each complete event.
 *   `id:` and `retry:` are ignored: our envelopes carry the cursor and the retry time.
 */
export function createEventParser(onEvent: (event: ReceivedEvent) => void): (piece: string) => void {
  let rest = '';
  let isStart = true;
  let type = '';
  let data: string[] = [];

  const dispatch = (): void => {
    if (data.length > 0) onEvent({ type: type || 'message', data: data.join('\n') });
    type = '';
    data = [];
  };
  const takeLine = (line: string): void => {
    if (line === '') {
      dispatch();
      return;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') type = value;
    else if (name === 'data') data.push(value);
  };
  return (piece) => {
    const text = rest + (isStart ? piece.replace(/^\uFEFF/, '') : piece);
    if (piece !== '') isStart = false;
    // A carriage return at the end may be the first half of a line end.
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + text.slice(whole.length);
    for (const line of lines) takeLine(line);
  };
}
