/** The elements of the shadow tree. Each is a part that the page may style. */

export function part<Tag extends 'bdi' | 'button' | 'div' | 'p'>(
  tag: Tag,
  name: string,
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = name;
  element.setAttribute('part', name);
  return element;
}

/** An unchanged text is not written again: screen readers and observers would see a change. */
export function write(element: HTMLElement, words: string): void {
  if (element.textContent !== words) element.textContent = words;
}

export interface Bar {
  element: HTMLElement;
  /**
   * @param percent null before the total is known
   * @param words for screen readers
   * @param stored 0 to 1: the rest could not be stored
   */
  show(percent: number | null, words: string, stored: number): void;
}

const BAR = {
  role: 'progressbar',
  'aria-labelledby': 'label',
  'aria-valuemin': '0',
  'aria-valuemax': '100',
};

export function createBar(): Bar {
  const [element, fill, missed] = [part('div', 'bar'), part('div', 'fill'), part('div', 'missed')];
  for (const [name, value] of Object.entries(BAR)) element.setAttribute(name, value);
  element.append(fill, missed);
  return {
    element,
    show(percent, words, stored) {
      if (percent === null) element.removeAttribute('aria-valuenow');
      else element.setAttribute('aria-valuenow', String(percent));
      element.dataset.known = String(percent !== null);
      element.setAttribute('aria-valuetext', words);
      fill.style.width = percent === null ? '' : `${percent * stored}%`;
      missed.style.width = `${(percent ?? 0) * (1 - stored)}%`;
      missed.hidden = stored === 1;
    },
  };
}
