/** The key that seals, the tokens, and the Cliniko key of an organization. */
import { listTokens } from '../../access/api-tokens.ts';
import { dateOf } from '../../cliniko/date-header.ts';
import { networkCode } from '../../cliniko/network-failure.ts';
import { requestHeaders } from '../../cliniko/request-headers.ts';
import { sendGet } from '../../cliniko/send-get.ts';
import { clinikoBaseUrl } from '../../cliniko/shard.ts';
import type { Config } from '../../config/config.ts';
import { DatabaseStartError } from '../../database/database-failure.ts';
import type { Database } from '../../database/open.ts';
import { SealError, type Sealer } from '../../encryption/sealer.ts';
import { assertOwnKey } from '../../organizations/key-fingerprint.ts';
import { readApiKey } from '../../organizations/organizations.ts';
import { SEALED } from '../../server/sealed-columns.ts';
import { clockFinding } from './database-checks.ts';
import { type Finding, failure, ok, warning } from './finding.ts';

const CLINIKO_LIMIT_MS = 10_000;

export async function checkCredentialsKey(database: Database, sealer: Sealer): Promise<Finding> {
  try {
    await assertOwnKey(database, sealer, SEALED);
    return ok('credentials-key', 'CREDENTIALS_KEY opens the sealed values in the database.');
  } catch (error) {
    if (error instanceof DatabaseStartError) return failure('credentials-key', error.message);
    throw error;
  }
}

export async function checkTokens(database: Database, config: Config): Promise<Finding> {
  if (config.auth === 'none') return ok('tokens', 'AUTH is none: no token is needed on this machine.');
  const valid = (await listTokens(database)).filter(({ state }) => state === 'valid');
  if (valid.length > 0 || config.jwt !== undefined || config.bootstrapAdminToken !== undefined) {
    return ok('tokens', 'There are accounts that may use the API.');
  }
  return warning(
    'tokens',
    `AUTH is tokens, and there is no token, so every request is refused. Create one: npm run tokens -- create --name admin --organizations '*' --scope admin`,
  );
}

/** The key that is stored for an organization. */
export async function checkStoredClinikoKey(
  database: Database,
  sealer: Sealer,
  config: Config,
  organizationId: number,
): Promise<Finding[]> {
  const apiKey = await readApiKey(database, sealer, organizationId).catch((error: unknown) => {
    if (error instanceof SealError) return undefined;
    throw error;
  });
  if (apiKey === undefined) {
    return [
      failure(
        'cliniko-key',
        `Organization ${organizationId} has no stored API key that this CREDENTIALS_KEY opens. Store it: PUT /api/v1/organizations/${organizationId}/cliniko-credentials`,
      ),
    ];
  }
  return await checkClinikoKey(config, apiKey, `organization ${organizationId}`);
}

/**
 * One request, like the first request of a sync.
 *
 * @param owner whose key it is, or the variable that it comes from
 */
export async function checkClinikoKey(config: Config, apiKey: string, owner: string): Promise<Finding[]> {
  const base = config.cliniko.baseUrl ?? clinikoBaseUrl(apiKey);
  const asked = Date.now();
  try {
    const response = await sendGet(
      `${base.replace(/\/$/, '')}/patients?per_page=1`,
      requestHeaders(apiKey, config.cliniko.contactEmail),
      AbortSignal.timeout(CLINIKO_LIMIT_MS),
    );
    response.destroy();
    const date = dateOf(response.headers);
    const clock =
      date === undefined ? [] : [clockFinding('cliniko-clock', 'Cliniko', date.getTime() - asked)];
    return [verdict(response.statusCode ?? 0, owner), ...clock];
  } catch (error) {
    const code = networkCode(error);
    const cause = code === undefined ? '' : ` (${code})`;
    return [
      failure(
        'cliniko-key',
        `Cliniko cannot be reached at ${new URL(base).host}${cause}. Check DNS, firewall and proxy of this machine.`,
      ),
    ];
  }
}

function verdict(status: number, owner: string): Finding {
  if (status === 200) return ok('cliniko-key', `Cliniko accepts the API key of ${owner}.`);
  if (status === 401)
    return failure(
      'cliniko-key',
      `Cliniko does not accept the API key of ${owner}. Make a new one in Cliniko (My info, Manage API keys) and replace this one.`,
    );
  if (status === 403)
    return failure(
      'cliniko-key',
      `The API key of ${owner} may not read patients. Use the key of a Cliniko user who may.`,
    );
  if (isPermanent(status))
    return failure(
      'cliniko-key',
      `Cliniko answered ${status}, and a sync would fail. Check CLINIKO_BASE_URL.`,
    );
  return warning('cliniko-key', `Cliniko answered ${status}. Try again later; a sync waits and tries again.`);
}

const isPermanent = (status: number): boolean =>
  status >= 300 && status < 500 && status !== 408 && status !== 429;
