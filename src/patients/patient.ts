/** A patient as it is stored. */
export interface Patient {
  /** Exact digits. */
  clinikoPatientId: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  /** E.164. */
  phone: string | null;
  /** `YYYY-MM-DD` */
  dateOfBirth: string | null;
  /** ISO 8601 UTC, from the clock of Cliniko, as are all times. */
  archivedAt: string | null;
  mergedInto: string | null;
  createdAt: string | null;
  updatedAt: string | null;
  /** The record as JSON in UTF-8, without characters that PostgreSQL cannot store. */
  raw: Buffer;
  /** Hex. Equal for two patients only if everything else here is equal. */
  contentHash: string;
  /** Data-quality warnings: unreadable fields, an invalid phone number, a missing email address. */
  warnings: number;
}
