import { z } from 'zod';
import type { Context } from '../context.js';
import { VendorError } from '../errors.js';
import { type Limiter, RetryableError } from '../http.js';

/** FINRA's OAuth2 client-credentials token; without key and secret requests stay anonymous. */
export interface TokenSource {
  /** Value of the Authorization header, undefined when anonymous. */
  header(): Promise<string | undefined>;
  /** Forgets a token that got a 401. Returns whether there will be another: false when anonymous. */
  renewed(refused: string | undefined): Promise<boolean>;
}

const answer = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });
/** A token about to end is not begun with. */
const MARGIN_SECONDS = 60;

export function createTokenSource(ctx: Context, limiter: Limiter): TokenSource {
  const { FINRA_API_KEY: key, FINRA_API_SECRET: secret, FINRA_TOKEN_URL: url } = ctx.config;
  if (key === undefined || secret === undefined) {
    return { header: async () => undefined, renewed: async () => false };
  }
  // Requests side by side share one promise, so that a token is asked for once.
  let current: Promise<string> | undefined;
  let goodUntilMs = 0;

  async function fetchToken(): Promise<string> {
    const startedMs = ctx.clock.now().toMillis();
    goodUntilMs = Number.POSITIVE_INFINITY;
    const response = await ctx.http.request({
      method: 'POST',
      url,
      query: { grant_type: 'client_credentials' },
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`,
      },
      accept: [400, 401, 403],
      limiter,
      check: ({ body }) => {
        parse(body);
      },
    });
    if (response.status >= 400) {
      throw new VendorError(
        `FINRA gives no access token (${response.status} from ${url}): check FINRA_API_KEY and FINRA_API_SECRET.`,
        { method: 'POST', url, status: response.status },
      );
    }
    const { access_token, expires_in } = parse(response.body);
    goodUntilMs = startedMs + Math.max(1, expires_in - MARGIN_SECONDS) * 1000;
    return `Bearer ${access_token}`;
  }

  return {
    header() {
      if (current === undefined || goodUntilMs <= ctx.clock.now().toMillis()) {
        const asked = fetchToken();
        current = asked;
        // A failed token is not kept: the next request asks again.
        asked.catch(() => {
          if (current === asked) current = undefined;
        });
      }
      return current;
    },
    async renewed(refused) {
      if (current !== undefined && (await current) === refused) current = undefined;
      return true;
    },
  };
}

function parse(body: Buffer) {
  try {
    return answer.parse(JSON.parse(body.toString('utf8')));
  } catch {
    // Not the body: it may hold the token.
    throw new RetryableError('answered without access_token and expires_in');
  }
}
