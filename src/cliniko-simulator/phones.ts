/**
 * Telephone numbers as receptions type them.
 *
 * Most are valid Australian numbers in one of many formats; some are unusable. All lie in the ranges reserved for
 * fiction (mobiles 0491 57x xxx from the regulator's list, landlines (0x) 5550 xxxx and 7010 xxxx), so none is a real
 * telephone.
 */
import { type Choice, oneOf, type SeededRandom } from './seeded-random.ts';

export interface PatientPhone {
  phone_type: 'Fax' | 'Home' | 'Mobile' | 'Other' | 'Work';
  number: string;
  /** Newer than the other fields, so some records lack it. */
  normalized_number?: string;
}

const FICTIONAL_MOBILES = oneOf(`
  0491570006, 0491570156, 0491570157, 0491570158, 0491570159, 0491570110, 0491570313, 0491570737,
  0491571266, 0491571491, 0491571804, 0491572549, 0491572665, 0491572983, 0491573087, 0491573770,
  0491574118, 0491574632, 0491575254, 0491575789, 0491576398, 0491576801, 0491577426, 0491577644,
  0491578888, 0491578957, 0491579212
`);

const HOPELESS: Choice<string> = [
  'none',
  'no phone',
  'ask daughter',
  '0400',
  '?',
  '---',
  ' ',
  '12',
  'see notes',
];
const ABROAD: Choice<string> = ['+44 7700 900123', '+44 20 7946 0958', '0011 1 202 555 0143'];
const REMARKS: Choice<string> = ['(wife)', '- after 5pm', 'Marnie', 'w', 'leave message'];

/** @param areaCode of the landline, including its zero */
export function drawPhones(random: SeededRandom, areaCode: string): PatientPhone[] {
  const many = random.next();
  if (many < 0.15) return [];
  if (many < 0.75) return [drawPhone(random, areaCode)];
  return Array.from({ length: 2 + random.below(3) }, () => drawPhone(random, areaCode));
}

function drawPhone(random: SeededRandom, areaCode: string): PatientPhone {
  const kind = random.next();
  if (kind < 0.03) return { phone_type: 'Other', number: random.pick(HOPELESS), normalized_number: '' };
  if (kind < 0.05) return { phone_type: 'Other', number: random.pick(ABROAD) };
  const isMobile = kind < 0.7;
  const national = isMobile ? random.pick(FICTIONAL_MOBILES) : drawLandline(random, areaCode);
  const spelling = isMobile ? spellMobile(random, national) : spellLandline(random, national);
  const number = random.chance(0.04) ? `${spelling} ${random.pick(REMARKS)}` : spelling;
  const phone_type = isMobile ? 'Mobile' : random.pick<PatientPhone['phone_type']>(['Home', 'Work', 'Fax']);
  if (random.chance(0.1)) return { phone_type, number };
  return { phone_type, number, normalized_number: `61${national.slice(1)}` };
}

function drawLandline(random: SeededRandom, areaCode: string): string {
  return `${areaCode}${random.pick(['5550', '7010'])}${`${random.below(10_000)}`.padStart(4, '0')}`;
}

function spellMobile(random: SeededRandom, national: string): string {
  const [a, b, c] = [national.slice(0, 4), national.slice(4, 7), national.slice(7)];
  return random.pick([
    `${a} ${b} ${c}`,
    national,
    `+61 ${a.slice(1)} ${b} ${c}`,
    `${a}-${b}-${c}`,
    `+61${national.slice(1)}`,
    ` ${a} ${b} ${c} `,
    `(${a}) ${b}${c}`,
  ]);
}

function spellLandline(random: SeededRandom, national: string): string {
  const [area, b, c] = [national.slice(0, 2), national.slice(2, 6), national.slice(6)];
  return random.pick([
    `(${area}) ${b} ${c}`,
    `${area} ${b} ${c}`,
    national,
    `+61 ${area.slice(1)} ${b} ${c}`,
    `${area}-${b}-${c}`,
  ]);
}
