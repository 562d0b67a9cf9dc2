/** The embedded PostgreSQL cannot be used. The message says why and what to do, so the server prints it unchanged. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = 'EmbeddedDatabaseError';

  constructor(reason: string, options?: ErrorOptions) {
    const wayOut = 'Set DATABASE_URL to use a PostgreSQL of your own instead.';
    // After the end of a log, on a line of its own.
    const separator = reason.includes('\n') ? '\n' : ' ';
    super(`The embedded PostgreSQL cannot be used: ${reason}${separator}${wayOut}`, options);
  }
}
