/**
 * A proxy in front of PostgreSQL that reads enough of the protocol to stop between two statements.
 *
 * The failpoint is on the wire, so the program under test needs no test code, and a real process dies. Only the client side
 * is parsed: a statement ends with a Sync or is a simple Query; its text comes from the preceding Parse, or from the one
 * that named it.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A statement with its position in its transaction: `begin` is the first. */
export interface PassingStatement {
  text: string;
  place: number;
  /** The texts of the transaction so far, including this one. */
  transaction: readonly string[];
}

export interface StatementProxy {
  url: string;
  /** Called after each statement was forwarded to the database. */
  onStatement: (statement: PassingStatement) => void;
  /** Stops forwarding. */
  freeze(): void;
}

export async function openStatementProxy(databaseUrl: string): Promise<StatementProxy> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let frozen = false;
  const proxy: StatementProxy = {
    url: '',
    onStatement: () => {},
    freeze: () => {
      frozen = true;
    },
  };
  const server = createServer((client) => {
    const database = connect(Number(port), hostname);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        database.destroy();
      });
    }
    const read = messageReader();
    client.on('data', (chunk) => {
      for (const { bytes, statement } of read(chunk)) {
        if (frozen) return;
        database.write(bytes);
        if (statement !== undefined) proxy.onStatement(statement);
      }
    });
    database.on('data', (chunk) => {
      if (!frozen) client.write(chunk);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Unencrypted, so that the statements can be read.
  url.searchParams.set('sslmode', 'disable');
  proxy.url = url.href;
  return proxy;
}

interface Message {
  bytes: Buffer;
  statement?: PassingStatement;
}

/** Splits the bytes of a client into messages. The first one has no type: it is the start-up packet. */
function messageReader(): (chunk: Buffer) => Message[] {
  let buffered = Buffer.alloc(0);
  let started = false;
  const follow = createFollower();
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    const messages: Message[] = [];
    for (;;) {
      const header = started ? 1 : 0;
      if (buffered.length < header + 4) return messages;
      const length = header + buffered.readInt32BE(header);
      if (buffered.length < length) return messages;
      const bytes = buffered.subarray(0, length);
      buffered = buffered.subarray(length);
      messages.push(started ? { bytes, ...follow(bytes) } : { bytes });
      started = true;
    }
  };
}

/** Tracks the text of each prepared statement, and the position of the connection in a transaction. */
function createFollower(): (message: Buffer) => { statement?: PassingStatement } {
  const prepared = new Map<string, string>();
  let current = '';
  let transaction: string[] = [];
  let isOpen = false;
  const pass = (text: string): { statement: PassingStatement } => {
    const begins = /^\s*begin/i.test(text);
    // Outside a transaction each statement is its own transaction.
    if (begins || !isOpen) transaction = [];
    isOpen ||= begins;
    transaction.push(text);
    const statement = { text, place: transaction.length, transaction: [...transaction] };
    if (/^\s*(commit|rollback\s*$)/i.test(text)) isOpen = false;
    return { statement };
  };
  return (message) => {
    const body = message.subarray(5);
    const texts = () => body.toString('utf8').split('\0');
    switch (String.fromCharCode(message[0] ?? 0)) {
      case 'Q':
        return pass(texts()[0] ?? '');
      case 'P': {
        const [name = '', text = ''] = texts();
        prepared.set(name, text);
        return {};
      }
      case 'B':
        current = prepared.get(texts()[1] ?? '') ?? '';
        return {};
      case 'S':
        return pass(current);
      default:
        return {};
    }
  };
}
