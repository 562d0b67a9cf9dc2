/** The fields of a patient that a list can be filtered and sorted by. */
export const FIELD_KINDS = {
  id: 'number',
  archived_at: 'time',
  created_at: 'time',
  updated_at: 'time',
  date_of_birth: 'date',
  email: 'text',
  first_name: 'text',
  last_name: 'text',
  old_reference_id: 'text',
  preferred_first_name: 'text',
} as const;

export type Field = keyof typeof FIELD_KINDS;
export type FieldKind = (typeof FIELD_KINDS)[Field];

export function isField(name: string): name is Field {
  return Object.hasOwn(FIELD_KINDS, name);
}
