/**
 * The text of a Server-Sent Events stream, taken apart as the HTML standard says: for programs that read it with
 * `fetch`, because they have no EventSource or must send a header. Pure.
 */

export interface ReceivedEvent {
  type: string;
  data: string;
}

/**
 * @returns takes the text as it arrives, in pieces of any size, and calls `onEvent` for each event that is complete.
 *   `id:` and `retry:` are passed over: our envelopes carry the cursor, and their readers know when to come back.
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
