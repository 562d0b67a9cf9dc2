/** The path below which the server serves everything, such as `/sync`; '' without `BASE_PATH`. The server writes it into each page. */
export const BASE_PATH =
  typeof document === 'undefined'
    ? ''
    : (document.querySelector<HTMLMetaElement>('meta[name="base-path"]')?.content ?? '');
