/**
 * The records of a page, and the JSON text of each as Cliniko wrote it.
 *
 * JSON.parse rounds 12345678901234567890 and turns 1e400 into Infinity. So the text of a record is stored in the database
 * unchanged, and numbers that do not fit a JavaScript number become strings with their exact digits in the parsed record.
 *
 * The text is kept beside the parsed record, not in it, because all code between the client and the database handles records
 * as values of unknown shape. A record that does not come from a page has no text.
 *
 * The bytes of a page are divided into records before they become text: a page as one string is a fresh allocation of
 * hundreds of kilobytes, which took longer than parsing it, and one letter outside ASCII doubles its size.
 *
 * Not here: which texts PostgreSQL can store (wire.ts).
 */

const texts = new WeakMap<object, string>();

/** @returns undefined for a record that `readRecords` did not return, or that is not an object */
export function textOfRecord(record: unknown): string | undefined {
  return typeof record === 'object' && record !== null ? texts.get(record) : undefined;
}

export interface ListPage {
  /** The page without the records: its list is empty. */
  envelope: unknown;
  records: unknown[];
}

/**
 * @param page the JSON of a page, as UTF-8; not kept
 * @returns the records of the list `key`, with exact numbers; undefined when the page is not valid JSON
 */
export function readRecords(page: Buffer, key: string): ListPage | undefined {
  const json = withoutByteOrderMark(page);
  try {
    const list = new PageScanner(json).listOf(key);
    if (list === undefined) return { envelope: JSON.parse(json.toString()), records: [] };
    const { start, end, elements } = list;
    const envelope: unknown = JSON.parse(`${json.toString('utf8', 0, start)}[]${json.toString('utf8', end)}`);
    return { envelope, records: elements.map((element) => readRecord(json, element)) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** Like `response.json()`. */
function withoutByteOrderMark(page: Buffer): Buffer {
  const marked = page.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return marked ? page.subarray(BYTE_ORDER_MARK.length) : page;
}

/** @throws SyntaxError */
function readRecord(page: Buffer, element: Element): unknown {
  const text = page.toString('utf8', element.start, element.end);
  const record: unknown = JSON.parse(element.wideNumbers.length === 0 ? text : quoted(page, element));
  // A line break in JSON text is whitespace between tokens. The database gets one record per line.
  if (typeof record === 'object' && record !== null) texts.set(record, text.replaceAll('\n', ' '));
  return record;
}

/** In bytes. */
interface Span {
  start: number;
  end: number;
}

interface Element extends Span {
  /** Numbers of 16 characters or more, or with an exponent. */
  wideNumbers: Span[];
}

interface List extends Span {
  elements: Element[];
}

/**
 * The text of an element, in which wide numbers are strings unless JavaScript represents them exactly.
 *
 * @throws SyntaxError when one of them is not a number in JSON
 */
function quoted(page: Buffer, { start, end, wideNumbers }: Element): string {
  let text = '';
  let from = start;
  for (const number of wideNumbers) {
    const digits = page.toString('latin1', number.start, number.end);
    const isExact = String(JSON.parse(digits)) === digits;
    text += page.toString('utf8', from, number.start) + (isExact ? digits : `"${digits}"`);
    from = number.end;
  }
  return text + page.toString('utf8', from, end);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const [COMMA, COLON, MINUS, PLUS, DOT] = [0x2c, 0x3a, 0x2d, 0x2b, 0x2e];
const [ZERO, NINE, UPPER_E, LOWER_E] = [0x30, 0x39, 0x45, 0x65];
const [SPACE, TAB, LINE_FEED, CARRIAGE_RETURN, LOWER_A, LOWER_Z] = [0x20, 0x09, 0x0a, 0x0d, 0x61, 0x7a];

/** JavaScript represents every whole number of 15 digits exactly. */
const NARROW_DIGITS = 15;

/**
 * Finds values in JSON. It checks only what separates them: JSON.parse checks the values, and the page without its list. It does
 * not recurse, so the nesting depth of a record is unlimited.
 */
class PageScanner {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /**
   * The last value with that key, because JSON.parse uses the last one. Undefined when it is not a list.
   *
   * @throws SyntaxError
   */
  listOf(key: string): List | undefined {
    let list: List | undefined;
    this.#skipSpace();
    this.#skip(OPEN_BRACE);
    this.#skipSpace();
    if (this.#code() === CLOSE_BRACE) return undefined;
    do {
      this.#skipSpace();
      const name = this.#name();
      this.#skipSpace();
      this.#skip(COLON);
      this.#skipSpace();
      if (name === key) list = this.#code() === OPEN_BRACKET ? this.#list() : this.#noList();
      else this.#skipValue([]);
      this.#skipSpace();
    } while (this.#hasNext());
    return list;
  }

  #name(): unknown {
    const start = this.#at;
    if (this.#code() !== QUOTE) throw new SyntaxError('A key is a string.');
    this.#skipString();
    return JSON.parse(this.#bytes.toString('utf8', start, this.#at));
  }

  #noList(): undefined {
    this.#skipValue([]);
  }

  #list(): List {
    const start = this.#at;
    const elements: Element[] = [];
    this.#at += 1;
    this.#skipSpace();
    if (this.#code() !== CLOSE_BRACKET) {
      do {
        this.#skipSpace();
        elements.push(this.#element());
        this.#skipSpace();
      } while (this.#hasNext());
    }
    this.#skip(CLOSE_BRACKET);
    return { start, end: this.#at, elements };
  }

  #element(): Element {
    const wideNumbers: Span[] = [];
    const start = this.#at;
    this.#skipValue(wideNumbers);
    return { start, end: this.#at, wideNumbers };
  }

  #hasNext(): boolean {
    const isComma = this.#code() === COMMA;
    if (isComma) this.#at += 1;
    return isComma;
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
    if (code === END) throw new SyntaxError('The page ends inside a value.');
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

  /** All bytes of a letter outside ASCII are above 127, so none looks like a quote. */
  #skipString(): void {
    this.#at += 1;
    for (let code = this.#code(); code !== QUOTE; code = this.#code()) {
      if (code === END) throw new SyntaxError('The page ends inside a string.');
      this.#at += code === BACKSLASH ? 2 : 1;
    }
    this.#at += 1;
  }

  #skipSpace(): void {
    while (isSpace(this.#code())) this.#at += 1;
  }

  #skip(code: number): void {
    if (this.#code() !== code) throw new SyntaxError('The page is not a list of records in an object.');
    this.#at += 1;
  }

  #code(): number {
    return this.#bytes[this.#at] ?? END;
  }
}

const END = -1;

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB || code === LINE_FEED || code === CARRIAGE_RETURN;
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
