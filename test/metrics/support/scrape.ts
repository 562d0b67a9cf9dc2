/** Reads the text format of Prometheus, as far as our metrics use it. */

export async function scrape(serverUrl: string): Promise<string> {
  const response = await fetch(`${serverUrl}/metrics`);
  if (!response.ok) throw new Error(`/metrics was answered ${response.status}`);
  return await response.text();
}

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export function readSamples(text: string) {
  const samples = text.split('\n').flatMap((line): Sample[] => {
    const [, name, labels = '', value] = /^([a-z_:0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)];
    return [
      { name, value: Number(value), labels: Object.fromEntries(pairs.map(([, key, word]) => [key, word])) },
    ];
  });
  const matching = (name: string, labels: Record<string, string>) =>
    samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, word]) => sample.labels[key] === word),
    );
  return {
    samples,
    /** Of the one sample that has these labels; undefined when there is none. */
    value: (name: string, labels: Record<string, string> = {}) => matching(name, labels)[0]?.value,
    sum: (name: string) => matching(name, {}).reduce((total, sample) => total + sample.value, 0),
  };
}
