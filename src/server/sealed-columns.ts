/** All that is sealed with `CREDENTIALS_KEY`. */

import type { SealedColumn } from '../encryption/rotate-keys.ts';
import { SEALED_API_KEYS } from '../organizations/organizations.ts';
import { SEALED_RECORDS } from '../patients/quarantine.ts';
import { SEALED_SECRETS } from '../webhooks/store-endpoint.ts';

export const SEALED: readonly SealedColumn[] = [SEALED_API_KEYS, SEALED_RECORDS, SEALED_SECRETS];
