/** The address without its parameters: an older psql does not know all of them. */
export const forPsql = (url: string): string => url.replace(/\?.*$/, '');
