/**
 * One fictional person, as the record that Cliniko would return.
 *
 * A pure function of the seed, the position and the facts, so no record is stored. The records are as untidy as real
 * ones: blanks around names, null beside empty text, one address for a whole family, no telephone.
 *
 * Not here: when people arrived and left (timeline.ts), manual edits (people.ts).
 */
import type { Behaviour } from './behaviour.ts';
import {
  ANSWERS,
  EMAIL_HOSTS,
  FIRST_NAMES,
  GENDER_IDENTITIES,
  LAST_NAMES,
  NOTES,
  OCCUPATIONS,
  PLACES,
  type Place,
  PRONOUNS,
  REFERRALS,
  REMINDERS,
  SEXES,
  STREETS,
  TITLES,
} from './name-lists.ts';
import { drawPhones } from './phones.ts';
import { drawCustomFields } from './questionnaire.ts';
import { SeededRandom } from './seeded-random.ts';
import type { Facts } from './timeline.ts';

/** A record as it is served. The type is loose on purpose: edits may make a record invalid. */
export type PatientRecord = Record<string, unknown>;

export interface Drawing {
  seed: number;
  /** The position that the data comes from: a merged duplicate has its survivor's data, being the same person. */
  looksLike: number;
  position: number;
  facts: Facts;
  /** Links in records name Cliniko's own host, so that a record does not depend on the simulator's port. */
  linkBase: string;
  behaviour: Pick<Behaviour, 'emptyStyle' | 'unsetAssociations' | 'mergedContact'>;
}

const ASPECT = {
  name: 11,
  contact: 12,
  address: 13,
  rest: 14,
  household: 15,
  family: 16,
  spelling: 17,
} as const;
type Empty = () => null | '';

/** Fills one object step by step: spreading its parts took five times as long, and a page has a hundred records. */
export function drawRecord(drawing: Drawing): PatientRecord {
  const { seed, position, facts, linkBase, behaviour } = drawing;
  const random = new SeededRandom(seed, position, ASPECT.rest);
  const empty = emptyIn(behaviour.emptyStyle, random);
  const record: PatientRecord = { id: facts.id };
  fillName(record, drawing, empty);
  fillContact(record, drawing, empty);
  fillParticulars(record, random, empty);
  fillInvoicing(record, random, empty);
  fillConsents(record, random);
  fillTimes(record, facts, behaviour.emptyStyle === '' ? '' : null);
  fillLinks(record, `${linkBase}/patients/${facts.id}`);
  fillAssociations(record, drawing, random);
  return record;
}

/** @param seconds since 1970, UTC */
export function timestamp(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function emptyIn(style: Behaviour['emptyStyle'], random: SeededRandom): Empty {
  if (style !== 'mixed') return () => style;
  const hand = random.next();
  if (hand < 0.3) return () => null;
  if (hand < 0.6) return () => '';
  return () => (random.chance(0.5) ? null : '');
}

/** One in ten lives with the previous person, and shares the family's name, address, telephone and email. */
function householdOf({ seed, looksLike }: Drawing): number {
  const livesWithPrevious = looksLike > 0 && new SeededRandom(seed, looksLike, ASPECT.household).chance(0.1);
  return livesWithPrevious ? looksLike - 1 : looksLike;
}

function fillName(record: PatientRecord, drawing: Drawing, empty: Empty): void {
  const random = new SeededRandom(drawing.seed, drawing.looksLike, ASPECT.name);
  const first = random.pick(FIRST_NAMES);
  const spelling = new SeededRandom(drawing.seed, drawing.position, ASPECT.spelling);
  const firstName = spellLoosely(first, spelling);
  const lastName = spelling.chance(0.005) ? '' : familyName(drawing.seed, householdOf(drawing));
  // A bug in production once left nulls in archived records.
  const isRuin = drawing.facts.archivedAt !== null && spelling.chance(0.05);
  record.first_name = isRuin ? null : firstName;
  record.last_name = isRuin ? null : lastName;
  record.label = `${firstName} ${lastName}`.trim();
  record.preferred_first_name = random.chance(0.1) ? first.slice(0, 3) : empty();
  record.title = random.chance(0.5) ? random.pick(TITLES) : empty();
  record.date_of_birth = random.chance(0.9) ? drawBirthday(random) : empty();
}

function spellLoosely(name: string, random: SeededRandom): string {
  const hand = random.next();
  if (hand < 0.02) return ` ${name}`;
  if (hand < 0.04) return `${name} `;
  return hand < 0.05 ? name.toUpperCase() : name;
}

function familyName(seed: number, position: number): string {
  return new SeededRandom(seed, position, ASPECT.family).pick(LAST_NAMES);
}

function drawBirthday(random: SeededRandom): string {
  const two = (value: number) => `${value}`.padStart(2, '0');
  return `${1932 + random.below(90)}-${two(1 + random.below(12))}-${two(1 + random.below(28))}`;
}

function fillContact(record: PatientRecord, drawing: Drawing, empty: Empty): void {
  const household = householdOf(drawing);
  const random = new SeededRandom(drawing.seed, household, ASPECT.contact);
  const place = random.pick(PLACES);
  const isCleared = drawing.facts.mergedInto !== null && drawing.behaviour.mergedContact === 'cleared';
  const none = empty() === null ? null : [];
  const phones = drawPhones(random, place.areaCode);
  const email = random.chance(0.88) ? drawEmail(drawing.seed, household, random) : empty();
  record.email = isCleared ? empty() : email;
  record.patient_phone_numbers = isCleared || phones.length === 0 ? none : phones;
  record.emergency_contact = random.chance(0.3)
    ? `${random.pick(FIRST_NAMES)} (sister) 0491 570 156`
    : empty();
  fillAddress(record, new SeededRandom(drawing.seed, household, ASPECT.address), place, empty);
}

function drawEmail(seed: number, household: number, random: SeededRandom): string {
  const plain = familyName(seed, household)
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '');
  const address = `${plain || 'family'}.${household}@${random.pick(EMAIL_HOSTS)}`;
  const hand = random.next();
  if (hand < 0.7) return address.toLowerCase();
  return hand < 0.97 ? address : ` ${address} `;
}

function fillAddress(record: PatientRecord, random: SeededRandom, place: Place, empty: Empty): void {
  const isKnown = random.chance(0.8);
  record.address_1 = isKnown ? `${1 + random.below(300)} ${random.pick(STREETS)}` : empty();
  record.address_2 = isKnown && random.chance(0.1) ? `Unit ${1 + random.below(20)}` : empty();
  record.address_3 = empty();
  record.city = isKnown ? place.city : empty();
  record.state = isKnown ? place.state : empty();
  record.post_code = isKnown ? place.postCode : empty();
  record.country = isKnown ? 'Australia' : empty();
  record.country_code = isKnown ? 'AU' : empty();
  record.time_zone = isKnown && random.chance(0.2) ? place.timeZone : empty();
}

function fillParticulars(record: PatientRecord, random: SeededRandom, empty: Empty): void {
  record.appointment_notes = random.chance(0.1) ? random.pick(NOTES) : empty();
  record.custom_fields = drawCustomFields(random);
  record.dva_card_number = random.chance(0.02) ? `NX${fiveDigits(random)}` : empty();
  record.gender = empty();
  record.gender_identity = random.chance(0.3) ? random.pick(GENDER_IDENTITIES) : empty();
  record.medicare = random.chance(0.3) ? `00000${fiveDigits(random)}` : empty();
  record.medicare_reference_number = random.chance(0.3) ? '1' : empty();
  record.notes = random.chance(0.2) ? random.pick(NOTES) : empty();
  record.occupation = random.chance(0.3) ? random.pick(OCCUPATIONS) : empty();
  record.old_reference_id = random.chance(0.2) ? `LEG-${fiveDigits(random)}` : empty();
  record.pronouns = random.chance(0.1) ? PRONOUNS : null;
  record.referral_source = random.chance(0.3) ? random.pick(REFERRALS) : empty();
  record.sex = random.chance(0.5) ? random.pick(SEXES) : empty();
}

function fillInvoicing(record: PatientRecord, random: SeededRandom, empty: Empty): void {
  const hasPayer = random.chance(0.05);
  record.invoice_default_to = hasPayer ? 'Harbour Mutual' : empty();
  record.invoice_email = hasPayer ? 'claims@harbourmutual.example' : empty();
  record.invoice_extra_information = hasPayer ? `Claim ${fiveDigits(random)}\r\nWaits for approval` : empty();
}

function fiveDigits(random: SeededRandom): string {
  return `${random.below(100_000)}`.padStart(5, '0');
}

function fillConsents(record: PatientRecord, random: SeededRandom): void {
  record.accepted_email_marketing = random.pick(ANSWERS);
  record.accepted_privacy_policy = random.pick(ANSWERS);
  record.accepted_sms_marketing = random.pick(ANSWERS);
  record.receives_cancellation_emails = random.pick(ANSWERS);
  record.receives_confirmation_emails = random.pick(ANSWERS);
  record.reminder_type = random.pick(REMINDERS);
}

function fillTimes(record: PatientRecord, facts: Facts, never: null | ''): void {
  record.created_at = facts.createdAt === null ? never : timestamp(facts.createdAt);
  record.updated_at = facts.updatedAt === null ? never : timestamp(facts.updatedAt);
  record.archived_at = facts.archivedAt === null ? never : timestamp(facts.archivedAt);
  record.merged_at = facts.mergedAt === null ? never : timestamp(facts.mergedAt);
  record.deleted_at = never;
}

function fillLinks(record: PatientRecord, self: string): void {
  record.links = { self };
  record.appointments = linkTo(`${self}/appointments`);
  record.attendees = linkTo(`${self}/attendees`);
  record.invoices = linkTo(`${self}/invoices`);
  record.medical_alerts = linkTo(`${self}/medical_alerts`);
  record.patient_attachments = linkTo(`${self}/patient_attachments`);
}

function fillAssociations(
  record: PatientRecord,
  { facts, linkBase, behaviour }: Drawing,
  random: SeededRandom,
): void {
  const associate = (name: string, path: string | null) => {
    if (path !== null) record[name] = linkTo(`${linkBase}/${path}`);
    else if (behaviour.unsetAssociations === null) record[name] = null;
  };
  const foreignId = () => `1${random.below(1_000_000_000)}${random.below(1_000_000_000)}`.padEnd(19, '0');
  associate('latest_booking', random.chance(0.6) ? `bookings/${foreignId()}` : null);
  associate('referring_doctor', random.chance(0.2) ? `contacts/${foreignId()}` : null);
  associate('concession_type', random.chance(0.1) ? `concession_types/${1 + random.below(9)}` : null);
  associate('merged_with_patient', facts.mergedInto === null ? null : `patients/${facts.mergedInto}`);
}

function linkTo(self: string) {
  return { links: { self } };
}
