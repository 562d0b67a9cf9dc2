/**
 * Finds the records of a page in its bytes, without parsing them.
 *
 * It accepts a value exactly when JSON.parse does. So the records of a scanned page are known to be valid, and one that is
 * stored and unchanged is never parsed. It does not recurse, so the nesting depth of a record is unlimited.
 *
 * Not here: what a record is once it was found (record.ts).
 */

/** In bytes. */
export interface Span {
  start: number;
  end: number;
}

export interface ScannedRecord extends Span {
  /** The values of its members `id` and `created_at`: the last ones, because JSON.parse uses the last of equal names. */
  id: Span | undefined;
  createdAt: Span | undefined;
  /** Whether JavaScript might not represent one of its numbers exactly. */
  hasWideNumbers: boolean;
  /** Whether one of its strings contains `\u`. */
  hasUnicodeEscapes: boolean;
}

export interface ScannedList extends Span {
  records: ScannedRecord[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
const [COMMA, COLON, MINUS, PLUS, DOT] = [0x2c, 0x3a, 0x2d, 0x2b, 0x2e];
const [ZERO, NINE, UPPER_E, LOWER_E, LOWER_U] = [0x30, 0x39, 0x45, 0x65, 0x75];
const [SPACE, TAB, LINE_FEED, CARRIAGE_RETURN] = [0x20, 0x09, 0x0a, 0x0d];
const END = -1;

const [ID, CREATED_AT] = [Buffer.from('id'), Buffer.from('created_at')];
const [TRUE, FALSE, NULL] = [Buffer.from('true'), Buffer.from('false'), Buffer.from('null')];
const SINGLE_ESCAPES = Buffer.from('"\\/bfnrt');
const HEX = /^[0-9a-fA-F]{4}$/;

/** JavaScript represents every whole number of 15 digits exactly. */
const NARROW_DIGITS = 15;

/**
 * A page has at most 100 records. So many of a few bytes, as a hostile server may send, would block the event loop for
 * seconds.
 */
const MAX_RECORDS = 10_000;

/**
 * The methods start where the one before ended, and throw a SyntaxError for a value that JSON.parse rejects. They do not look
 * at what follows it.
 */
export class PageScanner {
  /** Numbers of 16 characters or more, or with an exponent. */
  readonly wideNumbers: Span[] = [];
  readonly #bytes: Buffer;
  #at = 0;
  /** The name of the member whose value is read, with its quotes. */
  #nameStart = 0;
  #nameEnd = 0;
  #nameHasEscapes = false;
  /** The bytes that close the arrays and objects around `#at`. */
  readonly #open: number[] = [];
  #hasUnicodeEscapes = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @returns the last value with this name in an object; undefined unless it is a list */
  listOf(name: string): ScannedList | undefined {
    const wanted = Buffer.from(name);
    let list: ScannedList | undefined;
    this.#skipSpace();
    this.#readMembers(() => {
      const isWanted = this.#isNamed(wanted);
      const isList = isWanted && this.#code() === OPEN_BRACKET;
      if (isWanted) list = isList ? this.#list() : undefined;
      if (!isList) this.skipValue();
    });
    return list;
  }

  record(): ScannedRecord {
    const start = this.#at;
    const wideNumbers = this.wideNumbers.length;
    let id: Span | undefined;
    let createdAt: Span | undefined;
    this.#hasUnicodeEscapes = false;
    if (this.#code() !== OPEN_BRACE) this.skipValue();
    else {
      this.#readMembers(() => {
        if (this.#isNamed(ID)) id = this.#value();
        else if (this.#isNamed(CREATED_AT)) createdAt = this.#value();
        else this.skipValue();
      });
    }
    const hasWideNumbers = this.wideNumbers.length > wideNumbers;
    const hasUnicodeEscapes = this.#hasUnicodeEscapes;
    return { start, end: this.#at, id, createdAt, hasWideNumbers, hasUnicodeEscapes };
  }

  skipValue(): void {
    do {
      this.#skipSpace();
      if (!this.#entersContainer()) this.#leaveContainers();
    } while (this.#open.length > 0);
  }

  #value(): Span {
    const start = this.#at;
    this.skipValue();
    return { start, end: this.#at };
  }

  /** Skips a value without others in it. @returns true when an array or an object was opened instead, up to its first value */
  #entersContainer(): boolean {
    const code = this.#code();
    if (code === QUOTE) this.#skipString();
    else if (code === OPEN_BRACE) return this.#enters(CLOSE_BRACE);
    else if (code === OPEN_BRACKET) return this.#enters(CLOSE_BRACKET);
    else this.#skipNumberOrLiteral(code);
    return false;
  }

  /** @returns false when it is empty: then it was skipped */
  #enters(close: number): boolean {
    this.#at += 1;
    this.#skipSpace();
    if (this.#code() === close) {
      this.#at += 1;
      return false;
    }
    this.#open.push(close);
    if (close === CLOSE_BRACE) this.#skipName();
    return true;
  }

  /** After a value: up to the next value of the same array or object, or to the end of all that end here. */
  #leaveContainers(): void {
    while (this.#open.length > 0) {
      const close = this.#open[this.#open.length - 1] ?? END;
      this.#skipSpace();
      if (this.#code() === COMMA) {
        this.#at += 1;
        if (close === CLOSE_BRACE) this.#skipName();
        return;
      }
      this.#skip(close);
      this.#open.pop();
    }
  }

  #list(): ScannedList {
    const start = this.#at;
    const records: ScannedRecord[] = [];
    this.#at += 1;
    this.#skipSpace();
    if (this.#code() !== CLOSE_BRACKET) {
      do {
        this.#skipSpace();
        records.push(this.record());
        if (records.length > MAX_RECORDS) throw new SyntaxError('The page has too many records.');
        this.#skipSpace();
      } while (this.#hasNext());
    }
    this.#skip(CLOSE_BRACKET);
    return { start, end: this.#at, records };
  }

  /** @param readValue called at the value of each member of the object, to skip it */
  #readMembers(readValue: () => void): void {
    this.#skip(OPEN_BRACE);
    this.#skipSpace();
    if (this.#code() !== CLOSE_BRACE) {
      do {
        this.#skipName();
        this.#skipSpace();
        readValue();
        this.#skipSpace();
      } while (this.#hasNext());
    }
    this.#skip(CLOSE_BRACE);
  }

  #hasNext(): boolean {
    const isComma = this.#code() === COMMA;
    if (isComma) this.#at += 1;
    return isComma;
  }

  /** The name of a member, and the colon. */
  #skipName(): void {
    this.#skipSpace();
    if (this.#code() !== QUOTE) throw new SyntaxError('A name is a string.');
    this.#nameStart = this.#at;
    this.#nameHasEscapes = this.#skipString();
    this.#nameEnd = this.#at;
    this.#skipSpace();
    this.#skip(COLON);
  }

  #isNamed(wanted: Buffer): boolean {
    const [start, end] = [this.#nameStart + 1, this.#nameEnd - 1];
    if (this.#nameHasEscapes)
      return JSON.parse(this.#bytes.toString('utf8', start - 1, end + 1)) === wanted.toString();
    if (end - start !== wanted.length) return false;
    for (let index = 0; index < wanted.length; index++)
      if (this.#bytes[start + index] !== wanted[index]) return false;
    return true;
  }

  /** @returns whether it contains escapes */
  #skipString(): boolean {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    let hasEscapes = false;
    for (;;) {
      const code = bytes[at] ?? END;
      if (code === QUOTE) break;
      if (code < SPACE) throw new SyntaxError('A string contains a control character, or does not end.');
      at += 1;
      if (code === BACKSLASH) {
        hasEscapes = true;
        at += this.#lengthOfEscape(at);
      }
    }
    this.#at = at + 1;
    return hasEscapes;
  }

  /** @param at after the backslash */
  #lengthOfEscape(at: number): number {
    const code = this.#bytes[at] ?? END;
    if (SINGLE_ESCAPES.includes(code)) return 1;
    if (code === LOWER_U && HEX.test(this.#bytes.toString('latin1', at + 1, at + 5))) {
      this.#hasUnicodeEscapes = true;
      return 5;
    }
    throw new SyntaxError('A string contains an unknown escape.');
  }

  #skipNumberOrLiteral(code: number): void {
    if (code === MINUS || isDigit(code)) this.#skipNumber();
    else if (code === TRUE[0]) this.#skipLiteral(TRUE);
    else if (code === FALSE[0]) this.#skipLiteral(FALSE);
    else this.#skipLiteral(NULL);
  }

  #skipLiteral(literal: Buffer): void {
    for (let index = 0; index < literal.length; index++) this.#skip(literal[index] ?? END);
  }

  #skipNumber(): void {
    const start = this.#at;
    if (this.#code() === MINUS) this.#at += 1;
    if (this.#code() === ZERO) this.#at += 1;
    else this.#skipDigits();
    if (this.#code() === DOT) {
      this.#at += 1;
      this.#skipDigits();
    }
    const code = this.#code();
    const hasExponent = code === UPPER_E || code === LOWER_E;
    if (hasExponent) {
      this.#at += 1;
      if (this.#code() === PLUS || this.#code() === MINUS) this.#at += 1;
      this.#skipDigits();
    }
    if (hasExponent || this.#at - start > NARROW_DIGITS) this.wideNumbers.push({ start, end: this.#at });
  }

  #skipDigits(): void {
    if (!isDigit(this.#code())) throw new SyntaxError('A number lacks a digit.');
    while (isDigit(this.#code())) this.#at += 1;
  }

  #skipSpace(): void {
    while (isSpace(this.#code())) this.#at += 1;
  }

  #skip(code: number): void {
    if (this.#code() !== code) throw new SyntaxError('Another character was expected.');
    this.#at += 1;
  }

  #code(): number {
    return this.#bytes[this.#at] ?? END;
  }
}

function isSpace(code: number): boolean {
  return code === SPACE || code === LINE_FEED || code === TAB || code === CARRIAGE_RETURN;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}
