/** Dispatched at the window when a part of the page did not arrive and loading the page again would bring it (load-again.ts). */
export const PART_MISSING = 'page-part-missing';
