/** Routes of access/ and audit/. */
import {
  AccountInfo,
  AuditPage,
  ProviderSignIn,
  ProviderSignInRequest,
  SignIn,
  SignInOptions,
  SignOut,
  StreamToken,
  StreamTokenRequest,
} from '#contract/access.ts';
import { RowId } from '#contract/sync-log.ts';
import { EntryId } from '../audit/routes.ts';
import type { Operation } from './operation.ts';
import { LIMIT } from './parameters.ts';

export const ACCESS_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: '/api/v1/stream-tokens',
    id: 'createStreamToken',
    tag: 'Access',
    access: { isSelfFiltering: true, scope: 'read', audit: 'stream-token.create' },
    summary: 'A short-lived token for the address of a stream, for browsers, which cannot send headers there',
    body: StreamTokenRequest,
    isBodyOptional: true,
    answers: { 201: { description: 'Use it as ?token=.', schema: StreamToken } },
  },
  {
    method: 'get',
    path: '/api/v1/sign-in',
    id: 'getSignInOptions',
    tag: 'Access',
    access: { isPublic: true },
    summary: 'How people sign in to the pages of this server',
    answers: { 200: { description: 'Whether the server has accounts.', schema: SignInOptions } },
  },
  {
    method: 'post',
    path: '/api/v1/sign-in',
    id: 'signIn',
    tag: 'Access',
    access: { isPublic: true },
    summary: 'Open a session on this device with the code of a sign-in link',
    description:
      'For the pages of this server only: the request must come from one of them. The response sets a cookie that scripts cannot read.',
    body: SignIn,
    answers: { 204: { description: 'The session is open.' } },
    problems: ['NOT_FOUND', 'SIGN_IN_LINK_INVALID'],
  },
  {
    method: 'post',
    path: '/api/v1/sign-in/oidc',
    id: 'beginProviderSignIn',
    tag: 'Access',
    access: { isPublic: true },
    summary: 'Begin a sign-in at the identity provider',
    description: 'For the pages of this server only, with `OIDC_ISSUER`.',
    body: ProviderSignInRequest,
    answers: { 200: { description: 'Where to send the browser.', schema: ProviderSignIn } },
    problems: ['NOT_FOUND', 'IDENTITY_PROVIDER_UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/api/v1/sign-in/oidc/callback',
    id: 'finishProviderSignIn',
    tag: 'Access',
    access: { isPublic: true },
    // The identity provider decides what it adds to the address.
    isLenient: true,
    summary: 'Where the identity provider returns the browser',
    answers: {
      303: {
        description:
          'To the page that the person wanted, or to /sign-in, which explains why there is no session.',
      },
    },
    problems: ['NOT_FOUND'],
  },
  {
    method: 'post',
    path: '/api/v1/sign-out',
    id: 'signOut',
    tag: 'Access',
    access: { isSelfFiltering: true, scope: 'read', audit: null },
    summary: 'End the session of this device, or all sessions of its account',
    body: SignOut,
    answers: { 204: { description: 'The sessions have ended, with their streams.' } },
  },
  {
    method: 'get',
    path: '/api/v1/account',
    id: 'getAccount',
    tag: 'Access',
    access: { isSelfFiltering: true },
    summary: 'The account of this request and its rights',
    answers: { 200: { description: 'The account.', schema: AccountInfo } },
  },
  {
    method: 'get',
    path: '/api/v1/audit',
    id: 'listAudit',
    tag: 'Access',
    access: { isSelfFiltering: true, scope: 'admin', audit: 'audit.read' },
    summary: 'The audit log, newest first, of the organizations of the token',
    query: {
      limit: LIMIT,
      before: { schema: EntryId, description: 'The `next` of an earlier page.' },
      organization_id: { schema: RowId, description: 'Only entries of this organization.' },
    },
    answers: { 200: { description: 'One page.', schema: AuditPage } },
  },
];
