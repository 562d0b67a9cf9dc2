/**
 * The records of a page: the JSON of each as Cliniko wrote it, and the few values that a sync needs of every record.
 *
 * Most records are stored already and unchanged. Their bytes tell that, so a record is parsed when it has to be stored, and
 * for the times of a change scan.
 *
 * The JSON is stored in the database unchanged, with numbers that do not fit a JavaScript number (exact-numbers.ts). On the way
 * it stays a part of the page: strings of 2 kB for each record were most of what the garbage collector had to move.
 *
 * Not here: what the values of a record mean, and which texts PostgreSQL can store (wire.ts).
 */
import { isUtf8 } from 'node:buffer';
import { parseExactly } from './exact-numbers.ts';
import { PageScanner, type ScannedRecord, type Span } from './page-scanner.ts';
import { readField, readId, readTime } from './wire.ts';

export class ClinikoRecord {
  /** JSON on one line, as UTF-8: a part of its page, which it keeps in memory. */
  readonly bytes: Buffer;
  /** Whether one of its strings contains `\u`. */
  readonly hasUnicodeEscapes: boolean;
  /** Exact digits; undefined when the record has no usable id. */
  readonly id: string | undefined;
  /** ISO 8601 UTC with milliseconds; undefined when the record has no such time. */
  readonly createdAt: string | undefined;
  readonly #hasWideNumbers: boolean;

  constructor(page: Buffer, scanned: ScannedRecord) {
    const { start, end, id, createdAt, hasWideNumbers, hasUnicodeEscapes } = scanned;
    const parseSpan = (span: Span): unknown =>
      parseExactly(page.toString('utf8', span.start, span.end), hasWideNumbers);
    this.bytes = page.subarray(start, end);
    this.hasUnicodeEscapes = hasUnicodeEscapes;
    this.id = id === undefined ? undefined : readId(parseSpan(id));
    this.createdAt = createdAt === undefined ? undefined : readTime(parseSpan(createdAt));
    this.#hasWideNumbers = hasWideNumbers;
  }

  get text(): string {
    return this.bytes.toString();
  }

  /** Parses the JSON, each time it is called. */
  parse(): unknown {
    return parseExactly(this.text, this.#hasWideNumbers);
  }

  /** @returns ISO 8601 UTC with milliseconds; undefined when the field is absent or not a time */
  timeOf(field: 'updated_at' | 'archived_at'): string | undefined {
    return readTime(readField(this.parse(), field));
  }
}

export interface ListPage {
  /** The page without the records: its list is empty. */
  envelope: unknown;
  records: ClinikoRecord[];
}

/**
 * @param page the JSON of a page, as UTF-8; the records keep and change it
 * @returns the records of the list `key`; undefined when the page is not valid JSON, or has thousands of records
 */
export function readRecords(page: Buffer, key: string): ListPage | undefined {
  const json = toUtf8(withoutByteOrderMark(page));
  try {
    const list = new PageScanner(json).listOf(key);
    if (list === undefined) return { envelope: JSON.parse(json.toString()), records: [] };
    const { start, end, records } = list;
    const envelope: unknown = JSON.parse(`${json.toString('utf8', 0, start)}[]${json.toString('utf8', end)}`);
    removeLineBreaks(json);
    return { envelope, records: records.map((scanned) => new ClinikoRecord(json, scanned)) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** PostgreSQL accepts nothing else. */
const toUtf8 = (page: Buffer): Buffer => (isUtf8(page) ? page : Buffer.from(page.toString()));

/** A line break in valid JSON is whitespace between tokens. Without it a record has the same hash however a page is indented. */
function removeLineBreaks(json: Buffer): void {
  for (let at = json.indexOf(LINE_FEED); at !== -1; at = json.indexOf(LINE_FEED, at + 1)) json[at] = SPACE;
}

const [LINE_FEED, SPACE] = [0x0a, 0x20];

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** Like `response.json()`. */
function withoutByteOrderMark(page: Buffer): Buffer {
  const marked = page.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return marked ? page.subarray(BYTE_ORDER_MARK.length) : page;
}
