/**
 * One fictional person, as the record that Cliniko would return.
 *
 * A pure function of the seed, the position and the facts, so no record is stored. The records are as untidy as real
 * ones: blanks around names, null beside empty text, one address for a whole family, no telephone.
 *
 * Not here: when people arrived and left (timeline.ts), manual edits (population.ts).
 */
import type { Behaviour } from './behaviour.ts';
import { Dice } from './dice.ts';
import { drawPhones } from './phones.ts';
import { drawCustomFields } from './questionnaire.ts';
import type { Facts } from './timeline.ts';
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
} from './words.ts';

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
  const dice = new Dice(seed, position, ASPECT.rest);
  const empty = emptyIn(behaviour.emptyStyle, dice);
  const record: PatientRecord = { id: facts.id };
  fillName(record, drawing, empty);
  fillContact(record, drawing, empty);
  fillParticulars(record, dice, empty);
  fillInvoicing(record, dice, empty);
  fillConsents(record, dice);
  fillTimes(record, facts, behaviour.emptyStyle === '' ? '' : null);
  fillLinks(record, `${linkBase}/patients/${facts.id}`);
  fillAssociations(record, drawing, dice);
  return record;
}

/** @param seconds since 1970, UTC */
export function timestamp(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function emptyIn(style: Behaviour['emptyStyle'], dice: Dice): Empty {
  if (style !== 'mixed') return () => style;
  const hand = dice.next();
  if (hand < 0.3) return () => null;
  if (hand < 0.6) return () => '';
  return () => (dice.chance(0.5) ? null : '');
}

/** One in ten lives with the previous person, and shares the family's name, address, telephone and email. */
function householdOf({ seed, looksLike }: Drawing): number {
  const livesWithPrevious = looksLike > 0 && new Dice(seed, looksLike, ASPECT.household).chance(0.1);
  return livesWithPrevious ? looksLike - 1 : looksLike;
}

function fillName(record: PatientRecord, drawing: Drawing, empty: Empty): void {
  const dice = new Dice(drawing.seed, drawing.looksLike, ASPECT.name);
  const first = dice.pick(FIRST_NAMES);
  const spelling = new Dice(drawing.seed, drawing.position, ASPECT.spelling);
  const firstName = spellLoosely(first, spelling);
  const lastName = spelling.chance(0.005) ? '' : familyName(drawing.seed, householdOf(drawing));
  // A bug in production once left nulls in archived records.
  const isRuin = drawing.facts.archivedAt !== null && spelling.chance(0.05);
  record.first_name = isRuin ? null : firstName;
  record.last_name = isRuin ? null : lastName;
  record.label = `${firstName} ${lastName}`.trim();
  record.preferred_first_name = dice.chance(0.1) ? first.slice(0, 3) : empty();
  record.title = dice.chance(0.5) ? dice.pick(TITLES) : empty();
  record.date_of_birth = dice.chance(0.9) ? drawBirthday(dice) : empty();
}

function spellLoosely(name: string, dice: Dice): string {
  const hand = dice.next();
  if (hand < 0.02) return ` ${name}`;
  if (hand < 0.04) return `${name} `;
  return hand < 0.05 ? name.toUpperCase() : name;
}

function familyName(seed: number, position: number): string {
  return new Dice(seed, position, ASPECT.family).pick(LAST_NAMES);
}

function drawBirthday(dice: Dice): string {
  const two = (value: number) => `${value}`.padStart(2, '0');
  return `${1932 + dice.below(90)}-${two(1 + dice.below(12))}-${two(1 + dice.below(28))}`;
}

function fillContact(record: PatientRecord, drawing: Drawing, empty: Empty): void {
  const household = householdOf(drawing);
  const dice = new Dice(drawing.seed, household, ASPECT.contact);
  const place = dice.pick(PLACES);
  const isCleared = drawing.facts.mergedInto !== null && drawing.behaviour.mergedContact === 'cleared';
  const none = empty() === null ? null : [];
  const phones = drawPhones(dice, place.areaCode);
  const email = dice.chance(0.88) ? drawEmail(drawing.seed, household, dice) : empty();
  record.email = isCleared ? empty() : email;
  record.patient_phone_numbers = isCleared || phones.length === 0 ? none : phones;
  record.emergency_contact = dice.chance(0.3) ? `${dice.pick(FIRST_NAMES)} (sister) 0491 570 156` : empty();
  fillAddress(record, new Dice(drawing.seed, household, ASPECT.address), place, empty);
}

function drawEmail(seed: number, household: number, dice: Dice): string {
  const plain = familyName(seed, household)
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '');
  const address = `${plain || 'family'}.${household}@${dice.pick(EMAIL_HOSTS)}`;
  const hand = dice.next();
  if (hand < 0.7) return address.toLowerCase();
  return hand < 0.97 ? address : ` ${address} `;
}

function fillAddress(record: PatientRecord, dice: Dice, place: Place, empty: Empty): void {
  const isKnown = dice.chance(0.8);
  record.address_1 = isKnown ? `${1 + dice.below(300)} ${dice.pick(STREETS)}` : empty();
  record.address_2 = isKnown && dice.chance(0.1) ? `Unit ${1 + dice.below(20)}` : empty();
  record.address_3 = empty();
  record.city = isKnown ? place.city : empty();
  record.state = isKnown ? place.state : empty();
  record.post_code = isKnown ? place.postCode : empty();
  record.country = isKnown ? 'Australia' : empty();
  record.country_code = isKnown ? 'AU' : empty();
  record.time_zone = isKnown && dice.chance(0.2) ? place.timeZone : empty();
}

function fillParticulars(record: PatientRecord, dice: Dice, empty: Empty): void {
  record.appointment_notes = dice.chance(0.1) ? dice.pick(NOTES) : empty();
  record.custom_fields = drawCustomFields(dice);
  record.dva_card_number = dice.chance(0.02) ? `NX${fiveDigits(dice)}` : empty();
  record.gender = empty();
  record.gender_identity = dice.chance(0.3) ? dice.pick(GENDER_IDENTITIES) : empty();
  record.medicare = dice.chance(0.3) ? `00000${fiveDigits(dice)}` : empty();
  record.medicare_reference_number = dice.chance(0.3) ? '1' : empty();
  record.notes = dice.chance(0.2) ? dice.pick(NOTES) : empty();
  record.occupation = dice.chance(0.3) ? dice.pick(OCCUPATIONS) : empty();
  record.old_reference_id = dice.chance(0.2) ? `LEG-${fiveDigits(dice)}` : empty();
  record.pronouns = dice.chance(0.1) ? PRONOUNS : null;
  record.referral_source = dice.chance(0.3) ? dice.pick(REFERRALS) : empty();
  record.sex = dice.chance(0.5) ? dice.pick(SEXES) : empty();
}

function fillInvoicing(record: PatientRecord, dice: Dice, empty: Empty): void {
  const hasPayer = dice.chance(0.05);
  record.invoice_default_to = hasPayer ? 'Harbour Mutual' : empty();
  record.invoice_email = hasPayer ? 'claims@harbourmutual.example' : empty();
  record.invoice_extra_information = hasPayer ? `Claim ${fiveDigits(dice)}\r\nWaits for approval` : empty();
}

function fiveDigits(dice: Dice): string {
  return `${dice.below(100_000)}`.padStart(5, '0');
}

function fillConsents(record: PatientRecord, dice: Dice): void {
  record.accepted_email_marketing = dice.pick(ANSWERS);
  record.accepted_privacy_policy = dice.pick(ANSWERS);
  record.accepted_sms_marketing = dice.pick(ANSWERS);
  record.receives_cancellation_emails = dice.pick(ANSWERS);
  record.receives_confirmation_emails = dice.pick(ANSWERS);
  record.reminder_type = dice.pick(REMINDERS);
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

function fillAssociations(record: PatientRecord, { facts, linkBase, behaviour }: Drawing, dice: Dice): void {
  const associate = (name: string, path: string | null) => {
    if (path !== null) record[name] = linkTo(`${linkBase}/${path}`);
    else if (behaviour.unsetAssociations === null) record[name] = null;
  };
  const foreignId = () => `1${dice.below(1_000_000_000)}${dice.below(1_000_000_000)}`.padEnd(19, '0');
  associate('latest_booking', dice.chance(0.6) ? `bookings/${foreignId()}` : null);
  associate('referring_doctor', dice.chance(0.2) ? `contacts/${foreignId()}` : null);
  associate('concession_type', dice.chance(0.1) ? `concession_types/${1 + dice.below(9)}` : null);
  associate('merged_with_patient', facts.mergedInto === null ? null : `patients/${facts.mergedInto}`);
}

function linkTo(self: string) {
  return { links: { self } };
}
