/** A patient as we store one. */
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
  /** Times are ISO 8601 UTC, by Cliniko's clock. */
  archivedAt: string | null;
  mergedInto: string | null;
  createdAt: string | null;
  updatedAt: string | null;
  /** The record as JSON text, without what PostgreSQL cannot hold. */
  raw: string;
  /** Hex. Equal for two patients only when everything else here is equal. */
  contentHash: string;
  /** Data-quality warnings: fields that could not be read, a number that is none, no email address. */
  warnings: number;
}
