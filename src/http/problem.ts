/** Error responses: RFC 9457, with a stable code and a detail that says what to do next. */
import type { Problem, ProblemCode } from '#contract/problem.ts';

const KINDS: Record<ProblemCode, { status: number; title: string }> = {
  INVALID_PARAMETER: { status: 400, title: 'Invalid parameter' },
  UNPROCESSABLE: { status: 422, title: 'Unprocessable' },
  BODY_TOO_LARGE: { status: 413, title: 'Body too large' },
  HEADERS_TOO_LARGE: { status: 431, title: 'Headers too large' },
  REQUEST_INCOMPLETE: { status: 408, title: 'Request incomplete' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  ORGANIZATION_NOT_FOUND: { status: 404, title: 'Organization not found' },
  SYNC_LOG_NOT_FOUND: { status: 404, title: 'Sync log not found' },
  OPERATION_NOT_FOUND: { status: 404, title: 'Operation not found' },
  ALREADY_ENDED: { status: 409, title: 'Already ended' },
  HELD_CHANGED: { status: 409, title: 'Other patients are held now' },
  NOT_OURS: { status: 409, title: 'Not ours' },
  PROXY_NEEDS_ACCOUNTS: { status: 403, title: 'A proxy needs accounts' },
  HOST_NOT_ALLOWED: { status: 403, title: 'Host not allowed' },
  ORIGIN_NOT_ALLOWED: { status: 403, title: 'Origin not allowed' },
  WEBHOOK_NOT_FOUND: { status: 404, title: 'Webhook not found' },
  TOO_MANY_WEBHOOKS: { status: 409, title: 'Too many webhooks' },
  DELIVERY_NOT_FOUND: { status: 404, title: 'Delivery not found' },
  EMAIL_NOT_SET_UP: { status: 409, title: 'Email is not set up' },
  UPGRADE_REQUIRED: { status: 426, title: 'Upgrade required' },
  NO_CREDENTIALS: { status: 409, title: 'No credentials' },
  CLINIKO_FAILED: { status: 502, title: 'Cliniko failed' },
  CLINIKO_AUTH_FAILED: { status: 422, title: 'Key not accepted by Cliniko' },
  CLINIKO_UNAVAILABLE: { status: 503, title: 'Cliniko unavailable' },
  UNAUTHENTICATED: { status: 401, title: 'Not authenticated' },
  SIGN_IN_LINK_INVALID: { status: 403, title: 'Sign-in link not valid' },
  FORBIDDEN: { status: 403, title: 'Forbidden' },
  TOO_MANY_REQUESTS: { status: 429, title: 'Too many requests' },
  TOO_MANY_STREAMS: { status: 429, title: 'Too many streams' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: 'Idempotency key reused' },
  IDEMPOTENCY_KEY_IN_USE: { status: 409, title: 'Idempotency key in use' },
  REQUEST_TIMEOUT: { status: 503, title: 'Request timeout' },
  IDENTITY_PROVIDER_UNAVAILABLE: { status: 503, title: 'Identity provider unavailable' },
  DATABASE_UNAVAILABLE: { status: 503, title: 'Database unavailable' },
  INTERNAL_ERROR: { status: 500, title: 'Internal error' },
};

/** Thrown by any route or middleware; app.ts turns it into the response. `detail` reaches the client unchanged. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;
  readonly field: string | undefined;
  /** Such as `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    options: ErrorOptions & { field?: string; headers?: Record<string, string> } = {},
  ) {
    super(detail, options);
    this.code = code;
    this.field = options.field;
    this.headers = options.headers ?? {};
  }
}

/** For the API descriptions (openapi/). */
export function problemKind(code: ProblemCode): { status: number; title: string } {
  return KINDS[code];
}

export function problemResponse(error: ProblemError, headers: Record<string, string> = {}): Response {
  const { status, title } = KINDS[error.code];
  const problem: Problem = {
    type: 'about:blank',
    title,
    status,
    code: error.code,
    detail: error.message,
    ...(error.field === undefined ? {} : { field: error.field }),
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...error.headers,
      ...headers,
    },
  });
}

export function organizationNotFound(organizationId: number): ProblemError {
  return new ProblemError(
    'ORGANIZATION_NOT_FOUND',
    `Organization ${organizationId} is not registered. Register it with PUT /api/v1/organizations/${organizationId}.`,
  );
}
