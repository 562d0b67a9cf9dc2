/** The entry of `/sign-in`: the page that a sign-in link opens. */
import '../strict-csp.ts';
import { createApi } from '../api.ts';
import { BASE_PATH } from '../base-path.ts';
import { showOpenPage } from '../ui/page-root.tsx';
import { SignInPage } from './sign-in-page.tsx';

// Without the token of this tab: the session of the link takes its place.
const api = createApi(BASE_PATH, (input, init) => fetch(input, init));

const { hash, search } = window.location;
showOpenPage(
  <SignInPage api={api} code={hash.slice(1)} refused={new URLSearchParams(search).get('refused')} />,
);
