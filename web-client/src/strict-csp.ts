/**
 * Imported first by every page: zod compiles its object parsers with `new Function` where allowed, and its test for
 * that already violates our Content-Security-Policy.
 */
import { z } from 'zod';

z.config({ jitless: true });
