/** Counts as text for people: the one formatter of the pages, the element and the terminal. */

const NUMBER = new Intl.NumberFormat('en');

/** "1,944". */
export function formatCount(count: number): string {
  return NUMBER.format(count);
}

/** "1 patient", "1,240 patients". */
export function formatPatients(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'patient' : 'patients'}`;
}
