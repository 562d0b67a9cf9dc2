/** The embedded PostgreSQL cannot be used. The message says why and what to do, so the server prints it unchanged. */
export class EmbeddedDatabaseError extends Error {
  override readonly name = 'EmbeddedDatabaseError';

  constructor(reason: string, options?: ErrorOptions) {
    const wayOut = 'Set DATABASE_URL to use a PostgreSQL of your own instead.';
    super(`The embedded PostgreSQL cannot be used: ${reason} ${wayOut}`, options);
  }
}
