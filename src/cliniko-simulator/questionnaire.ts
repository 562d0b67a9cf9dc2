/** The custom fields of the simulated clinic: one section of questions, answered by about a third of its patients. */
import type { Choice, SeededRandom } from './seeded-random.ts';

interface Option {
  name: string;
  token: string;
}

const FUNDS: Choice<Option> = [
  { name: 'Harbour Mutual', token: '1d4f7f0e-93b5-4a2c-a7c1-4be0f5d6a903' },
  { name: 'Plains Friendly Society', token: 'e6a9c3d2-5b84-4f17-b0d3-72c81f9e3a04' },
];

/** @returns null for a patient without the questionnaire */
export function drawCustomFields(random: SeededRandom): object | null {
  if (!random.chance(0.3)) return null;
  const chosen = random.pick(FUNDS);
  const options = FUNDS.map((fund) => (fund === chosen ? { ...fund, selected: true } : fund));
  const member = {
    name: 'Member number',
    token: 'a90d6c3b-2e71-4b5a-93f8-1c7e4d0b6f05',
    type: 'text',
    // An empty answer is left out, as Cliniko does.
    ...(random.chance(0.8) ? { value: `HM-${`${random.below(1_000_000)}`.padStart(6, '0')}` } : {}),
  };
  const fund = {
    name: 'Fund',
    token: 'c7e2b1a4-1f63-4a68-8c55-0d9be1a27f02',
    type: 'radiobuttons',
    options,
    other: { enabled: true },
  };
  return {
    sections: [{ name: 'Cover', token: '5b0f5a52-7d0d-4c0f-9b2e-6f3a1c9d2e11', fields: [fund, member] }],
  };
}
