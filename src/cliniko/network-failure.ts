/** Why Cliniko sent no response: the code of the network, and what to do about it. */
import { errorCode } from '../logging/safe-error.ts';

/** Our own code for a connection that was accepted and then got no response. */
const NO_ANSWER = 'NO_ANSWER';

/** @returns a code such as `ECONNREFUSED`; undefined when the error has none */
export function networkCode(error: unknown): string | undefined {
  if (error instanceof DOMException && error.name === 'TimeoutError') return NO_ANSWER;
  const code = errorCode(error);
  return /^[A-Z][A-Z0-9_]{1,60}$/.test(code) ? code : undefined;
}

const CERTIFICATE =
  /CERT|^ERR_TLS|^UNABLE_TO_|^HOSTNAME_MISMATCH$|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$/;
const CLOCK = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/;
const PROTOCOL = /^ERR_SSL|^EPROTO$|^HPE_/;
const NAME = /^(ENOTFOUND|EAI_|ENODATA$)/;
const CONNECTION = /^(ECONNREFUSED|EHOST|ENET|EACCES$|EPERM$|EADDRNOTAVAIL$|ETIMEDOUT$)/;

/** @param code undefined when Cliniko responded, but with an error */
export function networkSolution(code: string | undefined): string {
  if (code === undefined)
    return 'Look at https://status.cliniko.com, and start the sync again when Cliniko answers.';
  if (CLOCK.test(code)) {
    return 'Check the clock of this server. If it is right, something between this server and Cliniko presents an outdated TLS certificate: let this server reach Cliniko directly.';
  }
  if (CERTIFICATE.test(code)) {
    return 'Something between this server and Cliniko (a proxy or a firewall that inspects TLS) presents its own certificate. Let this server reach Cliniko directly, or name the certificate authority of the proxy in NODE_EXTRA_CA_CERTS and restart the server.';
  }
  if (PROTOCOL.test(code)) {
    return 'The other side does not speak HTTPS as expected. Check CLINIKO_BASE_URL and the proxies between this server and Cliniko.';
  }
  if (NAME.test(code)) {
    return "The name of Cliniko's server does not resolve. Check the DNS settings of this server and CLINIKO_BASE_URL.";
  }
  if (CONNECTION.test(code)) {
    return 'Allow outgoing connections from this server to Cliniko (firewall, proxy, routing), check CLINIKO_BASE_URL, and start the sync again.';
  }
  if (code === NO_ANSWER) {
    return 'Cliniko accepted the connection and did not answer in time. Look at https://status.cliniko.com, and start the sync again when Cliniko answers.';
  }
  return 'The connection to Cliniko was cut. Check the network between this server and Cliniko, and start the sync again.';
}
