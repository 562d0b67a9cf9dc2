/**
 * The words for fictional people. Any resemblance is a coincidence; phones.ts explains why the numbers are not real.
 */
import { type Choice, oneOf } from './seeded-random.ts';

export const FIRST_NAMES = oneOf(`
  Ada, Bram, Celeste, Dorian, Elspeth, Fergus, Greta, Hamish, Imogen, Jasper, Keziah, Lachlan,
  Marnie, Nikolai, Odette, Piers, Quentin, Rosalind, Saskia, Tobias, Una, Vikram, Winifred, Xanthe,
  Yusuf, Zelda, Anna-Lena, Mary Jo, José, Zoë, Łukasz, Siobhán, Renée, Bjørn, Søren, Nguyệt,
  Mele’ana, D'Arcy, Chloé, Ömer, 美玲, Ngaire
`);

export const LAST_NAMES = oneOf(`
  Abernathy, Birdwhistle, Corvane, Dunmallet, Everglen, Fothergale, Grimsdyke, Hollowbrook,
  Ironbark, Jessamine, Kettlewell, Larkspurr, Mossvale, Nettlefold, Oakhurst, Pemberly,
  Quillfeather, Ravenscar, Stringybark, Tamsin-Reyes, Underbough, Verdigris, Wattlebird, Yarrowby,
  Zephyrine, O'Hollow, O’Marrow, D'Quill, van der Fenn, de la Cours, Ní Bhraoin, Müllerhaus,
  Señoval, Kovačevska, Đặngthuy, Þórvaldsen, Åkerlind, 梁田, St. Cleer
`);

export const TITLES: Choice<string> = ['Mr', 'Ms', 'Mrs', 'Miss', 'Dr', 'Mx'];

export const STREETS: Choice<string> = [
  'Pademelon Crescent',
  'Currawong Road',
  'Bottlebrush Lane',
  'Quoll Street',
  'Lyrebird Parade',
  'Saltbush Close',
  'Billabong Way',
];

export interface Place {
  city: string;
  state: string;
  postCode: string;
  timeZone: string;
  areaCode: string;
}

export const PLACES: Choice<Place> = [
  { city: 'Ballarat', state: 'VIC', postCode: '3350', timeZone: 'Australia/Melbourne', areaCode: '03' },
  { city: 'Hobart', state: 'TAS', postCode: '7000', timeZone: 'Australia/Hobart', areaCode: '03' },
  { city: 'Orange', state: 'NSW', postCode: '2800', timeZone: 'Australia/Sydney', areaCode: '02' },
  { city: 'Toowoomba', state: 'QLD', postCode: '4350', timeZone: 'Australia/Brisbane', areaCode: '07' },
  { city: 'Fremantle', state: 'WA', postCode: '6160', timeZone: 'Australia/Perth', areaCode: '08' },
  // A post code that would be wrong as a number.
  { city: 'Darwin', state: 'NT', postCode: '0800', timeZone: 'Australia/Darwin', areaCode: '08' },
];

export const OCCUPATIONS: Choice<string> = [
  'Lamplighter',
  'Surveyor',
  'Beekeeper',
  'Retired',
  'Cartographer',
];
export const REFERRALS: Choice<string> = ['Word of mouth', 'Web search', 'GP', 'Walked past'];
export const NOTES: Choice<string> = [
  'Prefers the ground-floor room',
  'Likes mornings.\r\nBrings a dog.',
  'Ask about the "other" shoulder\tnext time',
  'Speaks softly; sits by the window',
];

export const EMAIL_HOSTS: Choice<string> = ['example.com', 'example.org', 'post.example'];
export const SEXES: Choice<string> = ['Female', 'Male', 'Other'];
export const GENDER_IDENTITIES: Choice<string> = ['Female', 'Male', 'Non-binary', 'f'];
export const REMINDERS: Choice<string | null> = [null, 'None', 'SMS', 'Email', 'SMS & Email'];
/** null means "never asked", which differs from false. */
export const ANSWERS: Choice<boolean | null> = [null, null, true, false];
export const PRONOUNS = {
  nominative: 'they',
  accusative: 'them',
  pronominal_possessive: 'theirs',
  predicative_possessive: 'their',
  reflexive: 'themself',
};
