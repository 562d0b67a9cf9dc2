/**
 * What arrives after the end is ignored: the component is gone, or it asks for something else.
 *
 * @param onFailure default: a failure changes nothing
 * @returns the end, for the clean-up of an effect
 */
export function whileCurrent<T>(
  answer: Promise<T>,
  onAnswer: (answer: T) => void,
  onFailure: (error: unknown) => void = () => {},
): () => void {
  let isCurrent = true;
  answer.then(
    (value) => isCurrent && onAnswer(value),
    (error: unknown) => isCurrent && onFailure(error),
  );
  return () => {
    isCurrent = false;
  };
}
