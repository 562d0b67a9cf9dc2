/** The import cannot continue. The message is one line that says what to do. */
export class LegacyImportError extends Error {
  override readonly name = 'LegacyImportError';
}
