/**
 * How many columns of a terminal a text takes: Chinese, Japanese and Korean characters and emoji take two, and an accent on the
 * character before it takes none. A line that is too wide continues on the next one, and what redraws lines counts wrongly.
 */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const NONE = /\p{M}/u;

function columnsOfCharacter(character: string): number {
  if (character < '\u0300') return 1;
  if (NONE.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

export function columnsOfText(text: string): number {
  let columns = 0;
  for (const character of text) columns += columnsOfCharacter(character);
  return columns;
}

/** At least one column, and whole characters. */
export function cut(text: string, columns: number): string {
  if (columnsOfText(text) <= columns) return text;
  let [kept, used] = ['', 1];
  for (const character of text) {
    used += columnsOfCharacter(character);
    if (used > columns) break;
    kept += character;
  }
  return `${kept}…`;
}

export const pad = (text: string, columns: number): string =>
  `${text}${' '.repeat(Math.max(0, columns - columnsOfText(text)))}`;
