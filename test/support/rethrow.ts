/** For work on many clinics that expects no failure. */
export function rethrow(_organizationId: number, error: unknown): never {
  throw error;
}
