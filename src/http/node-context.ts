import type { HttpBindings } from '@hono/node-server';
import type { Context, Hono } from 'hono';

/** A request of Node's server: `c.env` has Node's own request and response. */
export type NodeContext = Context<{ Bindings: HttpBindings }>;

/** Routes for such requests. */
export type NodeRoutes = Hono<{ Bindings: HttpBindings }>;
