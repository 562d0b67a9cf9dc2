/** The figures in a document: what is between the two marks of a title. The text around them stays. */

/** @throws when the document has no marks with this title */
export function replaceFigures(text: string, title: string, figures: string): string {
  const [begin, end] = [`<!-- figures: ${title} -->`, `<!-- end: ${title} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`The document has no place for "${title}".`);
  return `${text.slice(0, from)}${begin}\n${figures}\n${text.slice(to)}`;
}
