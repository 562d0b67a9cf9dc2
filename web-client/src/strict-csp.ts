/**
 * Imported first by every page: zod compiles its object parsers with `new Function` where it may, and finding out that
 * it may not is already a violation of our Content-Security-Policy.
 */
import { z } from 'zod';

z.config({ jitless: true });
