/** How long a test waits for a fact, and how long a test may take. */
export const WAIT_LIMIT_MS = 60_000;
export const TEST_LIMIT_MS = 180_000;
