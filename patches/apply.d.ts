/** @throws when a patch does not fit the installed package */
export function applyPatches(root?: string): void;
