/**
 * For a wrong value that is shown to a person: it may be that of another variable.
 *
 * @returns an address without its user, password and query; of `NAME=value` only the name
 */
export function withoutSecrets(value: string): string {
  const address = value.replace(/\/\/.*@/s, '//…@').replace(/\?.*$/s, '?…');
  return /^[^…]*:[^…]*@|^-*[\w-]+=/.test(address) ? address.replace(/[:=].*$/s, '…') : address;
}
