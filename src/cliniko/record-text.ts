/**
 * The JSON text of each record of a page, as Cliniko wrote it.
 *
 * JSON.parse rounds 12345678901234567890 and turns 1e400 into Infinity. So the text of a record is stored in the database
 * unchanged, and numbers that do not fit a JavaScript number become strings with their exact digits in the parsed record.
 *
 * The text is kept beside the parsed record, not in it, because all code between the client and the database handles records
 * as values of unknown shape. A record that does not come from a page has no text.
 *
 * Not here: which texts PostgreSQL can store (wire.ts).
 */

const texts = new WeakMap<object, string>();

/** @returns undefined for a record that `readRecords` did not return, or that is not an object */
export function textOfRecord(record: unknown): string | undefined {
  return typeof record === 'object' && record !== null ? texts.get(record) : undefined;
}

/**
 * @param page valid JSON text: an object
 * @param records the parsed list `key` of the page
 * @returns the same records, with exact numbers
 */
export function readRecords(page: string, key: string, records: readonly unknown[]): unknown[] {
  const elements = new PageScanner(page).elementsOf(key);
  // A line break in JSON text is whitespace between tokens. The database gets one record per line.
  const hasLines = page.includes('\n');
  return records.map((record, index) => {
    const element = elements[index];
    if (element === undefined) return record;
    const text = page.slice(element.start, element.end);
    const exact = element.wideNumbers.length === 0 ? record : JSON.parse(quoted(page, element));
    if (typeof exact === 'object' && exact !== null) texts.set(exact, hasLines ? oneLine(text) : text);
    return exact;
  });
}

const oneLine = (text: string): string => text.replaceAll('\n', ' ');

interface Span {
  start: number;
  end: number;
}

interface Element extends Span {
  /** Numbers of 16 characters or more, or with an exponent. */
  wideNumbers: Span[];
}

/** The text of an element, in which wide numbers are strings unless JavaScript represents them exactly. */
function quoted(page: string, { start, end, wideNumbers }: Element): string {
  let text = '';
  let from = start;
  for (const number of wideNumbers) {
    const digits = page.slice(number.start, number.end);
    const isExact = String(Number(digits)) === digits;
    text += page.slice(from, number.start) + (isExact ? digits : `"${digits}"`);
    from = number.end;
  }
  return text + page.slice(from, end);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const [COMMA, COLON, MINUS, PLUS, DOT] = [0x2c, 0x3a, 0x2d, 0x2b, 0x2e];
const [ZERO, NINE, UPPER_E, LOWER_E] = [0x30, 0x39, 0x45, 0x65];
const [SPACE, LOWER_A, LOWER_Z] = [0x20, 0x61, 0x7a];

/** JavaScript represents every whole number of 15 digits exactly. */
const NARROW_DIGITS = 15;

/** Finds values in valid JSON text. It does not recurse, so the nesting depth of a record is unlimited. */
class PageScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The elements of the last list with that key, because JSON.parse uses the last one. Empty when there is none. */
  elementsOf(key: string): Element[] {
    let elements: Element[] = [];
    this.#skipTo(OPEN_BRACE);
    this.#at += 1;
    for (;;) {
      this.#skipSpace();
      if (this.#code() !== QUOTE) return elements;
      const start = this.#at;
      this.#skipString();
      const name: unknown = JSON.parse(this.#text.slice(start, this.#at));
      this.#skipTo(COLON);
      this.#at += 1;
      this.#skipSpace();
      if (name !== key) this.#skipValue([]);
      else elements = this.#code() === OPEN_BRACKET ? this.#elements() : this.#none();
      this.#skipSpace();
      if (this.#code() === COMMA) this.#at += 1;
    }
  }

  #none(): Element[] {
    this.#skipValue([]);
    return [];
  }

  #elements(): Element[] {
    const elements: Element[] = [];
    this.#at += 1;
    for (;;) {
      this.#skipSpace();
      if (this.#code() === CLOSE_BRACKET) break;
      const wideNumbers: Span[] = [];
      const start = this.#at;
      this.#skipValue(wideNumbers);
      elements.push({ start, end: this.#at, wideNumbers });
      this.#skipSpace();
      if (this.#code() === COMMA) this.#at += 1;
    }
    this.#at += 1;
    return elements;
  }

  #skipValue(wideNumbers: Span[]): void {
    let depth = 0;
    do depth += this.#skipToken(wideNumbers);
    while (depth > 0);
  }

  /** @returns the change of the nesting depth */
  #skipToken(wideNumbers: Span[]): number {
    const code = this.#code();
    if (code === QUOTE) {
      this.#skipString();
      return 0;
    }
    if (code === MINUS || isDigit(code)) {
      this.#skipNumber(wideNumbers);
      return 0;
    }
    if (isLetter(code)) {
      while (isLetter(this.#code())) this.#at += 1;
      return 0;
    }
    this.#at += 1;
    if (code === OPEN_BRACE || code === OPEN_BRACKET) return 1;
    return code === CLOSE_BRACE || code === CLOSE_BRACKET ? -1 : 0;
  }

  #skipNumber(wideNumbers: Span[]): void {
    const start = this.#at;
    let hasExponent = false;
    for (let code = this.#code(); isNumberCode(code); code = this.#code()) {
      hasExponent ||= code === UPPER_E || code === LOWER_E;
      this.#at += 1;
    }
    if (hasExponent || this.#at - start > NARROW_DIGITS) wideNumbers.push({ start, end: this.#at });
  }

  #skipString(): void {
    let end = this.#at;
    do {
      end = this.#text.indexOf('"', end + 1);
    } while (this.#isEscaped(end));
    this.#at = end + 1;
  }

  /** Whether an odd number of backslashes precedes it. */
  #isEscaped(quote: number): boolean {
    let first = quote;
    while (this.#text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
    return (quote - first) % 2 === 1;
  }

  #skipSpace(): void {
    while (this.#code() <= SPACE) this.#at += 1;
  }

  #skipTo(code: number): void {
    while (this.#code() !== code) this.#at += 1;
  }

  /** NaN at the end of the text. */
  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isLetter(code: number): boolean {
  return code >= LOWER_A && code <= LOWER_Z;
}

function isNumberCode(code: number): boolean {
  return (
    isDigit(code) || code === DOT || code === MINUS || code === PLUS || code === LOWER_E || code === UPPER_E
  );
}
