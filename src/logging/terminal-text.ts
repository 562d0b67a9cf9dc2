/**
 * Text from outside, made safe to show on a terminal.
 *
 * Control characters can move the cursor, set titles or retype commands; characters of text direction and of no width
 * can make a line read as another one. Each becomes a visible escape as JSON writes it, so the result is also valid
 * within JSON text.
 *
 * Colours and cursor movements of ours are added after this, never before.
 */

/** Controls (also DEL and C1), formats (direction, zero width, tags), line and paragraph separators, Hangul fillers. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** @returns one line without anything invisible */
export function terminalText(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? escaped(character));
}

/** A character beyond 0xffff is a pair of code units, and so of escapes. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}
